//! What goes wrong in chapter 11, and how it shows.
