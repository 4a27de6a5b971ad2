//! mingqu-tests
