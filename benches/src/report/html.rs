//! For a browser: one file that needs no other.

use super::charts::{CHART_STYLE, DARK, LIGHT, bars, lines};
use super::{PARTIAL, Rendered};
use crate::figures::figure::{Chart, Figure};
use crate::metric::time;
use crate::results::{Point, Verdict, distinct, on_axis, verdicts};

/// Text that HTML reads as text.
fn escaped(text: &str) -> String {
    let text = text.replace('&', "&amp;").replace('<', "&lt;");
    text.replace('>', "&gt;").replace('"', "&quot;")
}

/// A row of a table; the cells are HTML.
fn row(tag: &str, cells: impl IntoIterator<Item = String>) -> String {
    let cells = cells.into_iter().map(|cell| format!("<{tag}>{cell}"));
    format!("<tr>{}\n", cells.collect::<String>())
}

fn text_row<'a>(tag: &str, cells: impl IntoIterator<Item = &'a str>) -> String {
    row(tag, cells.into_iter().map(escaped))
}

fn table(class: &str, rows: &str) -> String {
    format!("<div class=\"scroll\"><table class=\"{class}\">\n{rows}</table></div>\n")
}

fn details(summary: &str, content: &str) -> String {
    format!("<details><summary>{summary}</summary>{content}</details>\n")
}

fn verdict_row(verdict: &Verdict<'_>, position: &str) -> String {
    let word = verdict.word();
    let lead = format!("{:.2}×", verdict.lead());
    let word = format!("<span class=\"{word}\">{word}</span>");
    row(
        "td",
        [word, lead, escaped(position), escaped(&verdict.sentence())],
    )
}

impl Rendered<'_> {
    pub(super) fn html(&self) -> String {
        let banner = |text: &str| format!("<p class=\"banner\">{}</p>", escaped(text));
        let (mut comment, mut banners) = (String::new(), String::new());
        if self.partial {
            comment = format!("<!-- {PARTIAL} -->");
            banners = banner(PARTIAL);
        }
        if self.noise.is_noisy {
            banners += &banner(&format!("Warning: {}", self.noise.text));
        }
        let noise = ("noise", self.noise.text.clone());
        let facts = self.report.facts.iter().chain([&noise]);
        let facts = facts.map(|(name, fact)| text_row("td", [*name, &**fact]));
        let (mut nav, mut all, mut sections) = (String::new(), String::new(), String::new());
        for (figure, points) in self.figures() {
            nav += &format!("<a href=\"#{}\">{}</a>\n", figure.id, figure.title);
            if figure.chart == Chart::Bars {
                all.extend(
                    verdicts(&points, figure).iter().map(|it| {
                        verdict_row(it, &format!("{}, {}", figure.title, it.position("")))
                    }),
                );
            }
            sections += &self.section(figure, &points);
        }
        let crossings = self.crossings().into_iter();
        let crossings = crossings.map(|it| format!("<p>Crossover, {}</p>\n", escaped(&it)));
        format!(
            include_str!("report.html"),
            comment = comment,
            light = LIGHT,
            dark = DARK,
            page = include_str!("page.css"),
            charts = CHART_STYLE,
            banners = banners,
            rounds = self.report.plan.rounds,
            time = time(self.report.plan.time()),
            facts = table("facts", &facts.collect::<String>()),
            nav = nav,
            crossings = crossings.collect::<String>(),
            verdicts = table("verdicts", &all),
            sections = sections,
        )
    }

    fn section(&self, figure: &Figure, points: &[Point<'_>]) -> String {
        let (axis, definition) = (figure.axis(), escaped(&figure.definition));
        let mut html = format!(
            "<section id=\"{}\">\n<h2>{}</h2>\n<p>{definition}</p>\n<div class=\"charts\">\n{}</div>\n",
            figure.id,
            figure.title,
            charts(figure, points)
        );
        for duel in self.duels(figure) {
            let rows = duel
                .rows
                .iter()
                .map(|row| text_row("td", row.iter().map(|cell| &**cell)));
            let header = text_row("th", duel.header.iter().map(|cell| &**cell));
            let rows = header + &rows.collect::<String>();
            html += &format!("<p>{}</p>{}", escaped(&duel.title), table("", &rows));
        }
        if !axis.is_empty() {
            let verdicts = verdicts(points, figure);
            let rows = verdicts
                .iter()
                .map(|it| verdict_row(it, &it.position(axis)));
            let rows = table("verdicts", &rows.collect::<String>());
            html += &details("Ahead and behind", &rows);
        }
        let header = ["contender", "", axis, "", "median", "least", "greatest"];
        let mut rows = text_row("th", header);
        rows.extend(points.iter().map(|point| {
            let class = if point.is_ours { "ours" } else { "" };
            let step = if axis.is_empty() {
                String::new()
            } else {
                on_axis(point.x)
            };
            let spread = point.spread;
            let numbers = [spread.median, spread.min, spread.max].map(|it| point.metric.show(it));
            let name = format!("<span class=\"{class}\">{}</span>", point.contender);
            let cells = [point.panel.to_owned(), step, point.metric.name()];
            let cells = cells.into_iter().chain(numbers).map(|cell| escaped(&cell));
            row("td", [name].into_iter().chain(cells))
        }));
        html + &details("All numbers", &table("", &rows)) + "</section>\n"
    }
}

/// A chart for each panel and metric.
fn charts(figure: &Figure, points: &[Point<'_>]) -> String {
    let mut charts = String::new();
    for panel in distinct(points.iter().map(|point| point.panel)) {
        for &metric in figure.metrics {
            let is_here = |it: &&Point<'_>| it.panel == panel && it.metric == metric;
            let here: Vec<_> = points.iter().filter(is_here).collect();
            if here.is_empty() {
                continue;
            }
            let title = match panel {
                "" => metric.name(),
                _ => format!("{panel}: {}", metric.name()),
            };
            let chart = match figure.chart {
                Chart::Bars => bars(metric, &here),
                Chart::Lines(axis) => lines(metric, axis, &here),
            };
            let better = if metric.less_is_better() {
                "less"
            } else {
                "more"
            };
            let caption = format!("{title} <small>{better} is better</small>");
            let svg = chart.svg(&format!("aria-label=\"{title}\""), "");
            charts += &format!("<figure><figcaption>{caption}</figcaption>\n{svg}</figure>\n");
        }
    }
    charts
}
