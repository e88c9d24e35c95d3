//! What goes wrong in chapter 7, and how it shows.
