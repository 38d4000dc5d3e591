import YAML

/// What loading produces and decoding reads: one merged tree in long syntax, interpolated, cast, with defaults, absolute
/// paths and resource names filled in, every node still knowing the file, line and column it came from.
///
/// Invariants the decoder relies on: schema-valid; short syntaxes are long (`ports`, `volumes`, `build`, `depends_on`,
/// `networks`, `env_file`, `secrets`, `configs`, `devices`, `gpus`, `ulimits` …); `x-` keys are still present; commands,
/// durations, byte sizes and free-form scalars are still as written (the decoder parses them).
struct CanonicalTree: Sendable {
    var root: YAMLNode
    /// The normalised project name.
    var name: String
    var workingDirectory: String
    var configFiles: [String]
    var environmentFiles: [String]
    var environment: [String: String]
    var profiles: [String]
    var warnings: [ComposeError.Problem]
    /// What stood where a text was interpolated, for messages.
    var writtenTexts = WrittenTexts()
}
