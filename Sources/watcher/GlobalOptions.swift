internal import ArgumentParser

enum OutputFormat: String, CaseIterable, ExpressibleByArgument, Sendable {
    case text, json

    /// The format a command line asks for, also when it cannot be parsed.
    init(of arguments: [String]) {
        let options = arguments.prefix { $0 != "--" }
        let isJSON =
            options.contains("--format=json")
            || zip(options, options.dropFirst()).contains { $0 == "--format" && $1 == "json" }
        self = isJSON ? .json : .text
    }
}

extension Terminal.ColorMode: ExpressibleByArgument {}

/// The options every command has.
struct CommonOptions: ParsableArguments, Sendable {
    @Option(
        name: .long,
        help: ArgumentHelp(
            "The configuration file (WATCHER_CONFIG; default /etc/watcher/config.yaml).", valueName: "file"))
    var config: String?

    @Option(
        name: .long,
        help: ArgumentHelp("Where state is kept (WATCHER_STATE_DIR; default /var/lib/watcher).", valueName: "dir"))
    var stateDir: String?

    @Option(
        name: .long,
        help: ArgumentHelp("When to use colours: auto, always or never (NO_COLOR is honoured).", valueName: "when"))
    var color: Terminal.ColorMode = .auto

    @Flag(name: .shortAndLong, help: "Say more.")
    var verbose = false

    @Flag(name: .shortAndLong, help: "Say only what went wrong (queries still answer).")
    var quiet = false
}

/// The options of every command whose result is text or JSON.
struct GlobalOptions: ParsableArguments, Sendable {
    @Option(name: .long, help: "How to print results: text or json.")
    var format: OutputFormat = .text

    @OptionGroup var common: CommonOptions

    var config: String? { common.config }
    var stateDir: String? { common.stateDir }
    var color: Terminal.ColorMode { common.color }
    var verbose: Bool { common.verbose }
    var quiet: Bool { common.quiet }
}

extension GlobalOptions {
    /// The arguments with global options that stand before the command, as in `watcher --config FILE deploy`, moved
    /// behind it, where every command reads them.
    static func afterCommand(_ arguments: [String]) -> [String] {
        guard arguments.first?.hasPrefix("-") == true else { return arguments }
        let valued: Set<String> = ["--config", "--state-dir", "--format", "--color"]
        let flags: Set<String> = ["-v", "--verbose", "-q", "--quiet"]
        var end = 0
        while end < arguments.count {
            let argument = arguments[end]
            let name = String(argument.prefix { $0 != "=" })
            if valued.contains(argument) {
                end += 2
            } else if flags.contains(argument) || valued.contains(name) {
                end += 1
            } else {
                break
            }
        }
        guard end > 0, end < arguments.count, !arguments[end].hasPrefix("-") else { return arguments }
        let rest = arguments[end...]
        let terminator = rest.firstIndex(of: "--") ?? rest.endIndex
        return Array(rest[..<terminator]) + arguments[..<end] + rest[terminator...]
    }
}
