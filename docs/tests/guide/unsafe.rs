//! What goes wrong in chapter 3, and how it shows.
