//! The command line: commands and their options, nothing else. What they do stands in `cli`.

use clap::Parser as _;

fn main() -> std::process::ExitCode {
    aftersales::cli::Cli::parse().run()
}
