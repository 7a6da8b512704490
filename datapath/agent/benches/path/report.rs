//! The results, for people and for the repository.

use crate::measure::Sample;
use crate::traffic::Traffic;
use crate::way::{Way, with_programs};
use crate::{Question, Round};
use bench::{Spread, table};
use serde_json::{Value, json};

impl Traffic {
    const fn name(self) -> &'static str {
        match self {
            Self::Request => "requests",
            Self::Connection => "connections",
            Self::Datagram => "datagrams",
            Self::Stream => "streams",
        }
    }

    /// What the programs should reach, of what they are compared with.
    const fn goal(self, question: Question) -> f64 {
        match (question, self) {
            (Question::Services, _) => 0.85,
            (Question::Policies, Self::Request) => 1.03,
            (Question::Policies, Self::Connection) => 0.97,
            (Question::Policies, Self::Datagram) => 1.10,
            (Question::Policies, Self::Stream) => 1.00,
        }
    }
}

/// One kind of traffic over one way.
pub(crate) struct Figures {
    /// What arrives a second.
    rate: Spread,
    /// The same, of the way it is compared with in the same round.
    ratio: Spread,
    /// CPU time of one operation, seconds.
    cpu: Spread,
    /// The same, of the way it is compared with in the same round.
    cpu_ratio: Spread,
}

/// All traffic over one way.
pub(crate) struct Results {
    name: String,
    /// Whether it is what others are compared with.
    is_plain: bool,
    figures: [Figures; Traffic::ALL.len()],
}

/// Every way compared with the first of the same distance, which has no programs, and many policies with few.
pub(crate) fn results(ways: &[Way], rounds: &[Round]) -> Vec<Results> {
    let compared = |name: &str, way, with| Results {
        name: name.to_owned(),
        is_plain: way == with,
        figures: std::array::from_fn(|traffic| figures(rounds, traffic, way, with)),
    };
    let mut results: Vec<_> = (0..)
        .zip(ways)
        .map(|(place, way)| {
            let plain = ways.iter().position(|other| other.distance == way.distance);
            compared(&way.name, place, plain.unwrap_or(place))
        })
        .collect();
    let [few, many] = [10, 10_000].map(|policies| {
        let name = with_programs(policies);
        ways.iter().position(|other| other.name == name)
    });
    if let Some((few, many)) = few.zip(many) {
        results.push(compared("10000 policies, of 10 policies", many, few));
    }
    results
}

fn figures(rounds: &[Round], traffic: usize, way: usize, with: usize) -> Figures {
    let spread = |figure: &dyn Fn(&Sample, &Sample) -> f64| {
        let samples = rounds.iter().map(|round| &round[traffic]);
        let samples = samples.map(|samples| figure(&samples[way], &samples[with]));
        Spread::of(samples.collect())
    };
    Figures {
        rate: spread(&|own, _| own.rate),
        ratio: spread(&|own, other| own.rate / other.rate),
        cpu: spread(&|own, _| own.cpu),
        cpu_ratio: spread(&|own, other| own.cpu / other.cpu),
    }
}

/// What arrives and what it costs, of the plain way as far; the plain ways themselves in their units.
pub(crate) fn tables(question: Question, results: &[Results]) -> String {
    let (of, flat) = match question {
        Question::Policies => ("of the plain way", "10000 policies of 10 policies 0.98"),
        Question::Services => ("of the pod itself", "10000 services as fast as 1"),
    };
    let rates = ratios(results, &format!("what arrives, {of}"), |figures| {
        figures.ratio
    });
    let costs = ratios(results, &format!("CPU time, {of}"), |figures| {
        figures.cpu_ratio
    });
    let goals =
        Traffic::ALL.map(|traffic| format!("{} {:.2}", traffic.name(), traffic.goal(question)));
    let plain = results.iter().filter(|results| results.is_plain);
    let plain: String = plain.map(|results| plain_table(results) + "\n").collect();
    format!(
        "{plain}{rates}\n{costs}\ngoals of what arrives: {}; {flat}\n",
        goals.join(", ")
    )
}

/// A plain way in units.
fn plain_table(results: &Results) -> String {
    let counts = |[requests, connections, datagrams, bits]: [f64; 4]| {
        let [requests, connections, datagrams] =
            [requests, connections, datagrams].map(|count| format!("{count:.0}"));
        let streams = format!("{:.1} Gbit", bits / 1e9);
        [
            "a second".to_owned(),
            requests,
            connections,
            datagrams,
            streams,
        ]
    };
    let times = |[requests, connections, datagrams, bit]: [f64; 4]| {
        let [requests, connections, datagrams] =
            [requests, connections, datagrams].map(|one| format!("{:.2} µs", one * 1e6));
        let streams = format!("{:.2} ns a byte", bit * 8e9);
        [
            "CPU time of one".to_owned(),
            requests,
            connections,
            datagrams,
            streams,
        ]
    };
    let figures = results.figures.each_ref();
    let rates = counts(figures.map(|figures| figures.rate.median));
    let costs = times(figures.map(|figures| figures.cpu.median));
    table(header(&results.name), &[rates, costs])
}

fn ratios(results: &[Results], what: &str, ratio: impl Fn(&Figures) -> Spread) -> String {
    let lines: Vec<_> = results
        .iter()
        .filter(|results| !results.is_plain)
        .map(|results| {
            let [requests, connections, datagrams, streams] = results
                .figures
                .each_ref()
                .map(|figures| with_ends(ratio(figures)));
            [
                results.name.clone(),
                requests,
                connections,
                datagrams,
                streams,
            ]
        })
        .collect();
    table(header(what), &lines)
}

fn with_ends(spread: Spread) -> String {
    format!(
        "{:.2} ({:.2}–{:.2})",
        spread.median, spread.least, spread.most
    )
}

fn header(what: &str) -> [&str; 5] {
    let [requests, connections, datagrams, streams] = Traffic::ALL.map(Traffic::name);
    [what, requests, connections, datagrams, streams]
}

pub(crate) fn records(question: Question, results: &[Results]) -> Vec<Value> {
    let mut records = Vec::new();
    for results in results {
        for (traffic, figures) in Traffic::ALL.into_iter().zip(&results.figures) {
            records.push(json!({
                "way": results.name,
                "traffic": traffic.name(),
                "goal": traffic.goal(question),
                "a_second": figures.rate.median,
                "ratio": { "least": figures.ratio.least, "median": figures.ratio.median, "most": figures.ratio.most },
                "cpu_ns": figures.cpu.median * 1e9,
                "cpu_ratio": figures.cpu_ratio.median,
            }));
        }
    }
    records
}
