internal import ArgumentParser
internal import Git

/// The child process in which network steps of Git run; nobody calls it by hand.
struct GitNetworkCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: GitNetworkChild.command, abstract: "Internal.", shouldDisplay: false)

    func run() throws { GitNetworkChild.main() }
}
