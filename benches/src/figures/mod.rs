//! What is measured: the figures and the loads in them.

pub mod cases;
pub mod figure;

use std::collections::HashMap;

use minijinja::{Environment, UndefinedBehavior, context};

use figure::{Figure, Settings};

/// Every figure, in the order in which they are measured and reported.
pub fn all(settings: &Settings) -> Vec<Figure> {
    let texts = include_str!("figures.toml");
    let mut texts: HashMap<String, Figure> = toml::from_str(texts).expect("it has figures");
    let that_read = match settings.readers() {
        1 => "one thread reads".to_owned(),
        many => format!("{many} threads read"),
    };
    let trace = settings.trace.as_ref().map(|trace| {
        let writes = trace.write_share() * 100.0;
        format!("{}, {writes:.1} % of them writes", trace.origin())
    });
    let values = context! {
        that_read, trace,
        threads => settings.mixers(),
        texts => format!("{} {}", settings.texts.count(), settings.texts.origin),
        growth => settings.growth(),
    };
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    let figure = |(id, cases): (&'static str, cases::Cases)| {
        let text = texts.remove(id).expect("each figure has its text");
        let definition = environment
            .render_str(&text.definition, &values)
            .expect("it has the values of a definition");
        let cases = cases(settings);
        Figure {
            id,
            definition,
            cases,
            ..text
        }
    };
    let all = cases::ALL.into_iter().map(figure);
    all.filter(|figure| !figure.cases.is_empty()).collect()
}
