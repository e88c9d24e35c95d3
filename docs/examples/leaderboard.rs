//! A leaderboard: two sorted collections that agree, under an operation log.
//!
//! ```sh
//! cargo run -p dbuf-docs --example leaderboard
//! ```
//!
//! Who looks at the board sees whole rounds only, while the next one is played. A round is
//! all or nothing: round 2 has an unknown player in it, is refused, and leaves no point
//! behind. A spectator on another thread checks the board for as long as there is a
//! writer.
#![allow(clippy::std_instead_of_alloc, reason = "a program has std")]

use core::cmp::Reverse;
use core::fmt;
use std::collections::{BTreeMap, BTreeSet};
use std::thread;

use dbuf_core::{ArcReader, OpWriter, Operation, arc};
use dbuf_strategies::EpochStrategy;

type Player = &'static str;

#[derive(Clone, Default)]
struct Board {
    points: BTreeMap<Player, u32>,
    ranking: BTreeSet<(Reverse<u32>, Player)>,
}

/// A player has so many points. A total and not a gain: decided once, made twice.
struct Score(Player, u32);

impl Operation<Board> for Score {
    fn apply(&mut self, board: &mut Board, (): &()) {
        let &mut Self(player, points) = self;
        if let Some(before) = board.points.insert(player, points) {
            board.ranking.remove(&(Reverse(before), player));
        }
        board.ranking.insert((Reverse(points), player));
    }
}

impl Board {
    /// Adds points. Returns the player's new place, and the operation for the log.
    fn award(&mut self, player: Player, points: u32) -> (Result<usize, String>, Option<Score>) {
        let Some(before) = self.points.get(player) else {
            return (Err(format!("nobody called {player} plays")), None);
        };
        let points = before + points;
        let mut score = Score(player, points);
        score.apply(self, &());
        let place = self.ranking.range(..=(Reverse(points), player)).count();
        (Ok(place), Some(score))
    }

    /// Whether the two collections agree.
    fn check(&self) {
        assert_eq!(self.ranking.len(), self.points.len());
        for (Reverse(points), player) in &self.ranking {
            assert_eq!(self.points.get(player), Some(points));
        }
    }
}

impl fmt::Display for Board {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, (Reverse(points), player)) in self.ranking.iter().enumerate() {
            let bar = "█".repeat(*points as usize);
            writeln!(f, "  {}. {player:4} {points:2} |{bar}", place + 1)?;
        }
        Ok(())
    }
}

/// Looks at the board until nobody changes it any more.
fn watch(board: &ArcReader<Board, EpochStrategy>) {
    loop {
        let is_last = board.is_closed();
        board.read().check();
        if is_last {
            break;
        }
    }
}

fn main() {
    let (writer, board) = arc(Board::default(), Board::default(), EpochStrategy::new());
    let mut writer = OpWriter::new(writer);
    let mut batch = writer.write();
    for player in ["ada", "bob", "cyd", "dora"] {
        batch.apply(Score(player, 0));
    }
    batch.publish();

    let rounds: [&[(Player, u32)]; 3] = [
        &[("bob", 7), ("ada", 9), ("cyd", 4)],
        &[("dora", 20), ("eve", 1)],
        &[("cyd", 8), ("dora", 10), ("bob", 3)],
    ];
    thread::scope(|scope| {
        let spectator = board.clone();
        scope.spawn(move || watch(&spectator));
        // Dropped at the end of the rounds, which ends the spectator's loop.
        let mut writer = writer;
        for (number, round) in (1..).zip(rounds) {
            let before = board.read().to_string();
            println!("round {number}");
            let played = writer.transact(|batch| {
                for &(player, points) in round {
                    let place = batch.record(|back, ()| back.award(player, points))?;
                    println!("  {player} +{points}: now on place {place}");
                    assert_eq!(board.read().to_string(), before, "not before the end");
                }
                Ok::<_, String>(())
            });
            if let Err(error) = played {
                println!("  refused: {error}");
                assert_eq!(board.read().to_string(), before, "nothing is left of it");
            }
            println!("board\n{}", *board.read());
        }
    });
    let points: Vec<_> = board.read().points.values().copied().collect();
    assert_eq!(points, [9, 10, 12, 10]);
}
