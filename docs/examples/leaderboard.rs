//! A leaderboard: two sorted collections that agree, under an operation log.
//!
//! ```sh
//! cargo run -p dbuf-docs --example leaderboard
//! ```
//!
//! Readers of the board see whole rounds only, while the next round is played. A round is
//! all or nothing: round 2 has an unknown player, so it is refused and awards no points. A
//! spectator on another thread checks the board until the writer is dropped.
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

/// Sets a player's points. A total and not a gain, so both copies get the same.
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
    /// Adds points. Returns the player's new rank, and the operation for the log.
    fn award(&mut self, player: Player, points: u32) -> (Result<usize, String>, Option<Score>) {
        let Some(before) = self.points.get(player) else {
            return (Err(format!("there is no player {player}")), None);
        };
        let points = before + points;
        let mut score = Score(player, points);
        score.apply(self, &());
        let rank = self.ranking.range(..=(Reverse(points), player)).count();
        (Ok(rank), Some(score))
    }

    /// Panics unless the two collections agree.
    fn check(&self) {
        assert_eq!(self.ranking.len(), self.points.len());
        for (Reverse(points), player) in &self.ranking {
            assert_eq!(self.points.get(player), Some(points));
        }
    }
}

impl fmt::Display for Board {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (rank, (Reverse(points), player)) in (1..).zip(&self.ranking) {
            let bar = "█".repeat(*points as usize);
            writeln!(f, "  {rank}. {player:4} {points:2} |{bar}")?;
        }
        Ok(())
    }
}

/// Checks the board until its writer is dropped.
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
        // Its drop after the last round ends the spectator's loop.
        let mut writer = writer;
        for (number, round) in (1..).zip(rounds) {
            let before = board.read().to_string();
            println!("round {number}");
            let played = writer.transact(|batch| {
                for &(player, points) in round {
                    let rank = batch.record(|back, ()| back.award(player, points))?;
                    println!("  {player} +{points}: now rank {rank}");
                    assert_eq!(board.read().to_string(), before, "not published yet");
                }
                Ok::<_, String>(())
            });
            if let Err(error) = played {
                println!("  refused: {error}");
                assert_eq!(board.read().to_string(), before, "nothing was published");
            }
            println!("board\n{}", *board.read());
        }
    });
    let points: Vec<_> = board.read().points.values().copied().collect();
    assert_eq!(points, [9, 10, 12, 10]);
}
