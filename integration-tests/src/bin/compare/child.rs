//! This program again, as a process of its own that does one thing and prints one line: words, each a list of numbers.

use std::error::Error;
use std::process::Stdio;

use tokio::process::{Child, Command};

pub(crate) type Answer = Result<Vec<Vec<u64>>, Box<dyn Error>>;

/// Prints what a child found.
pub(crate) fn tell(answer: &[Vec<u64>]) {
    let words =
        answer.iter().map(|list| list.iter().map(u64::to_string).collect::<Vec<_>>().join(","));
    println!("{}", words.collect::<Vec<_>>().join(" "));
}

pub(crate) fn start(args: &[String]) -> Child {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.arg("--child").args(args).stdout(Stdio::piped()).kill_on_drop(true);
    command.spawn().unwrap()
}

/// The child's answer, once it is done.
pub(crate) async fn answer(child: Child) -> Answer {
    let output = child.wait_with_output().await?;
    if !output.status.success() {
        return Err(format!("a child process failed: {}", output.status).into());
    }
    let line = String::from_utf8(output.stdout)?;
    let list =
        |word: &str| word.split(',').filter(|number| !number.is_empty()).map(str::parse).collect();
    Ok(line.trim_end_matches('\n').split(' ').map(list).collect::<Result<_, _>>()?)
}
