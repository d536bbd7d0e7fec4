//! The real binary, as scripts use it.

use std::process::{Command, Output};

use aftersales::db::Place;

use super::App;

/// The program on the stores of a test.
pub fn program(app: &App, arguments: &[&str]) -> Output {
    program_with(app, &[], arguments)
}

/// The same with settings from the environment.
pub fn program_with(app: &App, settings: &[(&str, &str)], arguments: &[&str]) -> Output {
    let config = &app.state.config;
    let mut program = Command::new(env!("CARGO_BIN_EXE_aftersales"));
    program.env_clear().env("AFTERSALES_DATA", &config.data).env("RUST_LOG", "error");
    program.env("AFTERSALES_MASTER_KEY_FILE", app.folder.path().join("secrets/master.key"));
    for (variable, place) in [("DATABASE_URL", &config.database), ("KEYSTORE_URL", &config.keystore)] {
        if let Place::Postgres(url) = place {
            program.env(variable, url);
        }
    }
    program.envs(settings.iter().copied()).args(arguments).output().unwrap()
}
