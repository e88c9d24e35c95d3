//! What goes wrong in chapter 10, and how it shows.
