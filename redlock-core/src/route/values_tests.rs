use super::*;

fn rendered(template: &str, values: &[(&str, &str)]) -> Result<String, KeyError> {
    let key = KeyTemplate::parse(template).unwrap().render(values.iter().copied())?;
    Ok(String::from_utf8(key.single().unwrap().to_vec()).unwrap())
}

#[test]
fn every_part_is_given_by_its_name_in_any_order() {
    let template = "{method} {route} {int:id} {param:method} {param:route} {header:X-Tenant}";
    let values = [
        ("header:x-tenant", "a:b"),
        ("param:route", "r"),
        ("param:method", "m"),
        ("id", "+042"),
        ("route", "/orders/{id}"),
        ("method", "POST"),
    ];
    assert_eq!(rendered(template, &values).unwrap(), "POST /orders/{id} 42 m r a%3Ab");
    assert_eq!(rendered("all", &[]).unwrap(), "all");
    // Once, however often it stands there.
    assert_eq!(rendered("o:{id}:{int:id}", &[("id", "07")]).unwrap(), "o:07:7");
}

#[test]
fn a_name_that_is_missing_unknown_or_given_twice_is_an_error_of_its_own() {
    let template = "o:{int:id}:{header:x-t}".to_owned();
    let (id, tenant) = (("id", "7"), ("header:x-t", "a"));
    let names = |values: &[(&str, &str)]| rendered(&template, values).unwrap_err();
    let text = str::to_owned;
    assert_eq!(
        names(&[id]),
        KeyError::NotGiven { template: template.clone(), name: text("header:x-t") }
    );
    assert_eq!(names(&[]), KeyError::NotGiven { template: template.clone(), name: text("id") });
    for unknown in ["ID", "int:id", "param:id", "header:X-T", "x-t", "method", "route", ""] {
        let error = KeyError::NoSuchPart { template: template.clone(), name: text(unknown) };
        assert_eq!(names(&[id, tenant, (unknown, "1")]), error);
    }
    let twice = KeyError::GivenTwice { template: template.clone(), name: text("id") };
    assert_eq!(names(&[id, tenant, id]), twice);
    assert!(names(&[id]).is_misuse() && names(&[id, id]).is_misuse());
    assert!(names(&[id, tenant, ("x", "")]).is_misuse());
}

#[test]
fn a_value_that_is_empty_or_not_of_its_kind_is_an_error_as_of_a_request() {
    let int = |value| rendered("o:{int:id}", &[("id", value)]).unwrap_err();
    assert_eq!(int(""), KeyError::missing("path parameter id"));
    assert!(matches!(int("4x2"), KeyError::Invalid(error) if error.value() == "4x2"));
    assert_eq!(rendered("{route}:x", &[("route", "")]), Ok(":x".to_owned()), "as the router's");
    assert_eq!(rendered("t:{header:a}", &[("header:a", "")]), Err(KeyError::missing("header a")));
    assert!(!int("").is_misuse() && !int("4x2").is_misuse());
}

#[test]
fn what_a_template_has_to_say_fits_the_errors_of_locks() {
    use crate::error::{LockError, LockErrorKind};
    let error = |template, values: &[(&str, &str)]| {
        let error = LockError::from(rendered(template, values).unwrap_err());
        assert_eq!(error.kind(), LockErrorKind::Invalid);
        error.config().unwrap().to_string()
    };
    assert_eq!(error("o:{id}", &[]), "key template = `o:{id}`: must be given a value for `id`");
    assert_eq!(
        error("o:{id}", &[("di", "1")]),
        "key template = `o:{id}`: must have the part `di`, for which it was given a value"
    );
    assert_eq!(
        error("o:{id}", &[("id", "1"), ("id", "2")]),
        "key template = `o:{id}`: must be given one value for `id`"
    );
    assert_eq!(
        error("o:{id}", &[("id", "")]),
        "key = `path parameter id`: must be there, and not empty"
    );
}
