internal import ArgumentParser

enum OutputFormat: String, CaseIterable, ExpressibleByArgument, Sendable { case text, json }

extension Terminal.ColorMode: ExpressibleByArgument {}

/// The options every command has.
struct GlobalOptions: ParsableArguments, Sendable {
    @Option(
        name: .long,
        help: ArgumentHelp(
            "The configuration file (WATCHER_CONFIG; default /etc/watcher/config.yaml).", valueName: "file"))
    var config: String?

    @Option(
        name: .long,
        help: ArgumentHelp("Where state is kept (WATCHER_STATE_DIR; default /var/lib/watcher).", valueName: "dir"))
    var stateDir: String?

    @Option(name: .long, help: "How to print results: text or json.")
    var format: OutputFormat = .text

    @Option(name: .long, help: "When to use colours: auto, always or never (NO_COLOR is honoured).")
    var color: Terminal.ColorMode = .auto

    @Flag(name: .shortAndLong, help: "Say more.")
    var verbose = false

    @Flag(name: .shortAndLong, help: "Say nothing but results and failures.")
    var quiet = false
}
