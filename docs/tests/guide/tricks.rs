//! What goes wrong in chapter 13, and how it shows.
