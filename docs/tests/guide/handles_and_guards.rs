//! What goes wrong in chapter 2, and how it shows.
