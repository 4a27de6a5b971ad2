//! What pages show: typed views over the store and the public record.
