//! What goes wrong in chapter 4, and how it shows.
