//! The options of the command line.

use std::future::Future;
use std::path::PathBuf;

#[derive(Default)]
pub(crate) struct Settings {
    pub(crate) json: Option<PathBuf>,
    pub(crate) svg: Option<PathBuf>,
    effort: Effort,
    only: Option<Vec<String>>,
}

#[derive(Default, Clone, Copy, PartialEq, Eq)]
enum Effort {
    Smoke,
    Quick,
    #[default]
    Full,
}

impl Settings {
    /// `sections` are those that there are.
    pub(crate) fn parse(
        args: impl Iterator<Item = String>,
        sections: &[&str],
    ) -> Result<Self, String> {
        let mut settings = Self::default();
        let mut args = args;
        while let Some(arg) = args.next() {
            let mut value = || args.next().ok_or(format!("{arg} needs a value"));
            match arg.as_str() {
                "--quick" => settings.effort = Effort::Quick,
                "--smoke" => settings.effort = Effort::Smoke,
                "--json" => settings.json = Some(value()?.into()),
                "--svg" => settings.svg = Some(value()?.into()),
                "--only" => settings.only = Some(value()?.split(',').map(str::to_owned).collect()),
                _ => return Err(format!("{arg}: unknown")),
            }
        }
        match settings.only.iter().flatten().find(|only| !sections.contains(&only.as_str())) {
            Some(unknown) => Err(format!("--only {unknown}: there are {}", sections.join(", "))),
            None => Ok(settings),
        }
    }

    pub(crate) fn wants(&self, section: &str) -> bool {
        self.only.as_ref().is_none_or(|only| only.iter().any(|name| name == section))
    }

    /// Whether it was asked for by its name.
    pub(crate) fn is_named(&self, section: &str) -> bool {
        self.only.iter().flatten().any(|name| name == section)
    }

    pub(crate) fn is_quick(&self) -> bool {
        self.effort == Effort::Quick
    }

    /// What to take for `--smoke`, `--quick`, and without either.
    pub(crate) fn pick<T>(&self, smoke: T, quick: T, full: T) -> T {
        match self.effort {
            Effort::Smoke => smoke,
            Effort::Quick => quick,
            Effort::Full => full,
        }
    }
}

/// Where the clients run.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Runtime {
    Current,
    TwoWorkers,
}

impl Runtime {
    pub(crate) const ALL: [Self; 2] = [Self::Current, Self::TwoWorkers];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Current => "current thread",
            Self::TwoWorkers => "two workers",
        }
    }

    /// Runs `work` on a runtime of its own, and ends what it spawned.
    pub(crate) fn run<T>(self, work: impl Future<Output = T>) -> T {
        let mut builder = match self {
            Self::Current => tokio::runtime::Builder::new_current_thread(),
            Self::TwoWorkers => tokio::runtime::Builder::new_multi_thread(),
        };
        if self == Self::TwoWorkers {
            builder.worker_threads(2);
        }
        builder.enable_all().build().unwrap().block_on(work)
    }
}
