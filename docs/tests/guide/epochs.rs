//! What goes wrong in chapter 6, and how it shows.
