//! What goes wrong in chapter 8, and how it shows.
