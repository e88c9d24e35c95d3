//! What goes wrong in chapter 1, and how it shows.
