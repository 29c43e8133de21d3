//! The timeline of a run in which a break of the crate is noticed.

use redlock_core::mutants::{self, Mutant};

use crate::simulation::picture;
use crate::simulation::profile::Setup;
use crate::simulation::runner;
use crate::{By, tune};

/// There is one picture, so there is one mutant.
pub(crate) fn one_alone(chosen: &[&(Mutant, By)]) -> Result<(), String> {
    match chosen {
        [(_, By::Simulation | By::Rarely(_))] => Ok(()),
        [(mutant, By::Directed(name, _))] => Err(format!(
            "no seed notices {mutant:?}, of which there could be a timeline: the test \"{name}\" does"
        )),
        several => {
            let names: Vec<_> = several.iter().map(|(mutant, _)| format!("{mutant:?}")).collect();
            Err(format!(
                "REDLOCK_SIM_TIMELINE wants one mutant, and REDLOCK_MUTANTS names {}: {}",
                names.len(),
                names.join(", ")
            ))
        }
    }
}

/// Plays a seed once more, with the mutant on.
pub(crate) fn page(mutant: Mutant, seed: u64) -> String {
    let mut setup = Setup::draw(seed);
    tune(mutant)(&mut setup);
    mutants::set(Some(mutant));
    let outcome = runner::run(seed, true, &tune(mutant));
    mutants::set(None);
    let name =
        format!("{mutant:?} at seed {seed}, {:?}: the crate is broken on purpose", setup.profile);
    let command = format!(
        "REDLOCK_MUTANTS={mutant:?} REDLOCK_SIM_TIMELINE=file.html \
         cargo test --release -p redlock-core --all-features --test mutants -- --nocapture"
    );
    picture::page(&name, &command, &setup, &outcome)
}

#[test]
fn a_timeline_is_of_one_mutant_that_a_seed_notices() {
    let of = |names: &[Mutant]| {
        let chosen: Vec<_> =
            crate::CAUGHT.iter().filter(|(mutant, _)| names.contains(mutant)).collect();
        one_alone(&chosen)
    };
    assert_eq!(of(&[Mutant::QuorumHalf]), Ok(()));
    assert!(
        of(&[Mutant::QuorumHalf, Mutant::NoGuard]).unwrap_err().contains("QuorumHalf, NoGuard")
    );
    assert!(of(&[Mutant::LateGrantKept]).unwrap_err().contains("a late grant is undone"));
    assert!(of(&[]).is_err());
}

#[test]
fn the_timeline_of_a_mutant_names_what_it_breaks() {
    let mutant = Mutant::NoGuard;
    let prepare = || mutants::set(Some(mutant));
    let report = runner::sweep(0..crate::SEEDS, true, &prepare, &tune(mutant));
    let (seed, violation) = report.violations.first().unwrap();
    let page = page(mutant, *seed);
    let options = roxmltree::ParsingOptions { allow_dtd: true, ..Default::default() };
    let document = roxmltree::Document::parse_with_options(&page, options).unwrap();
    let red = document.descendants().filter(|node| node.attribute("class") == Some("violation"));
    let said: String = red.filter_map(|node| node.text()).collect();
    assert!(said.contains(violation.invariant), "{seed}: {said}");
    assert!(page.contains("NoGuard at seed") && !page.contains("<script"));
}
