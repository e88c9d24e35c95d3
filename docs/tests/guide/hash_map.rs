//! What goes wrong in chapter 12, and how it shows.
