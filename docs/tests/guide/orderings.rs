//! What goes wrong in chapter 5, and how it shows.
