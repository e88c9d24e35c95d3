//! What goes wrong in chapter 9, and how it shows.
