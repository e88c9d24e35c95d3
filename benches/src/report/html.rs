//! For a browser: one file that needs no other.

use core::fmt::Write;

use super::duels::DuelTable;
use super::svg::{bars, escaped, lines};
use super::{PARTIAL, Told, place, plain, sentence};
use crate::figures::{Chart, Figure};
use crate::metric::time;
use crate::results::{Point, Verdict, panels, verdicts};

impl Told<'_> {
    pub(super) fn html(&self) -> String {
        let first = match self.partial {
            true => format!("<!doctype html><!-- {PARTIAL} -->"),
            false => "<!doctype html>".to_owned(),
        };
        let mut html = format!(
            "{first}\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <title>dbuf-bench</title>\n<style>\n{}</style>\n<body>\n",
            include_str!("style.css")
        );
        if self.partial {
            let _ = writeln!(html, "<p class=\"banner\">{PARTIAL}</p>");
        }
        html.push_str("<h1>dbuf and what else there is</h1>\n");
        self.begin(&mut html);
        for (figure, points) in self.figures() {
            section(&mut html, figure, &points, &self.duels(figure));
        }
        html.push_str("</body>\n</html>\n");
        html
    }

    fn begin(&self, html: &mut String) {
        let (noise, is_noisy) = &self.noise;
        if *is_noisy {
            let _ = writeln!(html, "<p class=\"banner\">Warning: {}</p>", escaped(noise));
        }
        let _ = writeln!(
            html,
            "<p>Medians of {} rounds, in which all contenders took turns, planned for {}. The thin lines go from the \
             least to the greatest round; one that leaves its chart is cut. Dots instead of bars stand on a \
             logarithmic scale. <span class=\"ours\">dbuf's own</span> are in blue. Every \
             read was verified. Ratios within this run mean something; numbers of two machines do not compare.</p>",
            self.report.plan.rounds(),
            time(self.report.plan.time())
        );
        html.push_str("<div class=\"scroll\"><table class=\"facts\">\n");
        for (name, fact) in self.report.facts() {
            let _ = writeln!(html, "<tr><th>{name}<td>{}", escaped(&fact));
        }
        if !is_noisy {
            let _ = writeln!(html, "<tr><th>noise<td>{}", escaped(noise));
        }
        html.push_str("</table></div>\n<nav>\n");
        for (figure, _) in self.figures() {
            let _ = writeln!(html, "<a href=\"#{}\">{}</a>", figure.id, figure.title);
        }
        html.push_str("</nav>\n<h2>Ahead and behind</h2>\n");
        html.push_str(
            "<p>The default types, <code>concurrent</code> and <code>epoch</code>, against the best of the \
             others, in every figure of bars; in parentheses the best of ours that one has to choose. Level: \
             within a twentieth, or each median lies between the other's rounds. Ladders have theirs \
             below.</p>\n",
        );
        for sentence in self.crossings() {
            let _ = writeln!(html, "<p>Crossover, {}</p>", escaped(&sentence));
        }
        html.push_str("<div class=\"scroll\"><table class=\"verdicts\">\n");
        for (figure, points) in self.figures() {
            if figure.chart == Chart::Bars {
                for verdict in verdicts(&points, figure) {
                    let place = format!("{}, {}", figure.title, place(&verdict, None));
                    row_of(html, &verdict, &place);
                }
            }
        }
        html.push_str("</table></div>\n");
    }
}

fn row_of(html: &mut String, verdict: &Verdict<'_>, place: &str) {
    let word = verdict.word();
    let _ = writeln!(
        html,
        "<tr><td class=\"{word}\">{word}<td>{:.2}×<td>{}<td>{}",
        verdict.lead(),
        escaped(place),
        escaped(&sentence(verdict))
    );
}

fn section(html: &mut String, figure: &Figure, points: &[Point<'_>], duels: &[DuelTable]) {
    let _ = writeln!(
        html,
        "<section id=\"{}\">\n<h2>{}</h2>\n<p>{}</p>\n<div class=\"charts\">",
        figure.id,
        escaped(figure.title),
        escaped(&figure.definition)
    );
    for panel in panels(points) {
        for &metric in figure.metrics {
            let chosen: Vec<&Point<'_>> = points
                .iter()
                .filter(|point| point.panel == panel && point.metric == metric)
                .collect();
            if chosen.is_empty() {
                continue;
            }
            let name = metric.name();
            let title = match panel {
                "" => name,
                _ => format!("{panel}: {name}"),
            };
            let better = match metric.less_is_better() {
                true => "less is better",
                false => "more is better",
            };
            let chart = match figure.chart {
                Chart::Bars => bars(&title, metric, &chosen),
                Chart::Ladder(axis) => lines(&title, metric, axis, &chosen),
            };
            let _ = writeln!(
                html,
                "<figure><figcaption>{} <small>{better}</small></figcaption>\n{chart}</figure>",
                escaped(&title)
            );
        }
    }
    html.push_str("</div>\n");
    for duel in duels {
        let row = |cells: &[String], tag: &str| -> String {
            let cell = |cell: &String| format!("<{tag}>{}", escaped(cell));
            cells.iter().map(cell).collect()
        };
        let _ = writeln!(
            html,
            "<p>{}</p><div class=\"scroll\"><table>\n<tr>{}",
            escaped(&duel.title),
            row(&duel.header, "th")
        );
        for cells in &duel.rows {
            let _ = writeln!(html, "<tr>{}", row(cells, "td"));
        }
        html.push_str("</table></div>\n");
    }
    if let Chart::Ladder(axis) = figure.chart {
        html.push_str("<details><summary>Ahead and behind</summary><div class=\"scroll\"><table class=\"verdicts\">\n");
        for verdict in verdicts(points, figure) {
            row_of(html, &verdict, &place(&verdict, Some(axis)));
        }
        html.push_str("</table></div></details>\n");
    }
    numbers(html, figure, points);
    html.push_str("</section>\n");
}

/// Every number, with its spread.
fn numbers(html: &mut String, figure: &Figure, points: &[Point<'_>]) {
    let axis = match figure.chart {
        Chart::Bars => "",
        Chart::Ladder(axis) => axis,
    };
    html.push_str("<details><summary>All numbers</summary><div class=\"scroll\"><table>\n<tr>");
    for name in ["contender", "", axis, "", "median", "least", "greatest"] {
        let _ = write!(html, "<th>{}", escaped(name));
    }
    html.push('\n');
    for point in points {
        let class = if point.is_ours { " class=\"ours\"" } else { "" };
        let step = match figure.chart {
            Chart::Bars => String::new(),
            Chart::Ladder(_) => plain(point.x),
        };
        let show = |value| escaped(&point.metric.show(value));
        let _ = writeln!(
            html,
            "<tr><td{class}>{}<td>{}<td>{step}<td>{}<td>{}<td>{}<td>{}",
            point.contender,
            escaped(point.panel),
            escaped(&point.metric.name()),
            show(point.spread.median),
            show(point.spread.min),
            show(point.spread.max)
        );
    }
    html.push_str("</table></div></details>\n");
}
