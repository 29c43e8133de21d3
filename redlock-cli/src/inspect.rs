//! `redlock inspect`.

use std::process::ExitCode;

use serde::Serialize;

use crate::config::{Config, Flags};
use crate::exit::{self, Ending};
use crate::look::{Looker, State, View, ViewJson};
use crate::output;

/// What `redlock inspect` is to do.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) keys: Vec<String>,
    pub(crate) json: bool,
    pub(crate) flags: Flags,
}

pub(crate) async fn run(request: &Request) -> Ending {
    let mut looker = Looker::new(&Config::load(&request.flags)?)?;
    let views = looker.look(&request.keys).await?;
    let fences = looker.counters(&request.keys).await?;
    for (index, (view, fence)) in views.iter().zip(fences).enumerate() {
        let read = if request.json {
            output::try_line(output::json(&InspectJson { view: view.json(), fence })?)?
        } else {
            let gap = if index == 0 { "" } else { "\n" };
            output::try_line(format_args!("{gap}{}", text(view, fence)))?
        };
        if !read {
            break;
        }
    }
    let unknown = views.iter().any(|view| view.state == State::Unknown);
    Ok(if unknown { ExitCode::from(exit::FAILED) } else { ExitCode::SUCCESS })
}

/// The fields are stable: those of a look, and `fence`, the resource's fencing counter as a majority of nodes has it.
#[derive(Debug, Serialize)]
struct InspectJson<'a> {
    #[serde(flatten)]
    view: ViewJson<'a>,
    fence: Option<u64>,
}

fn text(view: &View, fence: Option<u64>) -> String {
    let fence = fence.map(|fence| format!("; fencing counter {fence}")).unwrap_or_default();
    format!("{}{fence}\n{}", view.headline(), view.rows())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::look::view::tests::{hold, view};

    #[test]
    fn the_counter_of_a_majority_stands_behind_the_headline_and_in_the_object() {
        let view = view(State::Held(hold("a", 8_123)), &[Ok(None)]);
        assert_eq!(
            text(&view, Some(1_764_600_000_000_000)).lines().next(),
            Some(
                "orders:42: held by af63dc4c8601ec8c, 8.1 s left; fencing counter 1764600000000000"
            )
        );
        assert_eq!(text(&view, None), view.text());
        let json = |fence| output::json(&InspectJson { view: view.json(), fence }).unwrap();
        assert!(
            json(Some(7)).ends_with(r#","fence":7}"#) && json(None).ends_with(r#","fence":null}"#)
        );
    }
}
