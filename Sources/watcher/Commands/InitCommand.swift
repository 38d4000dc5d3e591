internal import ArgumentParser
internal import Foundation

struct InitCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "init",
        abstract: "Write a commented example configuration.",
        discussion: ExitStatus.help(
            [.success, .stateUnusable, .invalidConfiguration], example: "watcher init --config ./watcher.yaml"))

    @Flag(help: "Replace a configuration that is there.")
    var force = false

    @OptionGroup var options: GlobalOptions

    func run() async throws {
        let wiring = Wiring(options)
        let file = wiring.configurationFile
        if FileManager.default.fileExists(atPath: file), !force {
            throw ConfigurationError("\(file) is there already; --force replaces it")
        }
        do {
            try FileManager.default.createDirectory(
                at: URL(fileURLWithPath: file).deletingLastPathComponent(), withIntermediateDirectories: true)
            try Data(ExampleConfiguration.text.utf8).write(to: URL(fileURLWithPath: file), options: .atomic)
        } catch {
            wiring.terminal.message("watcher: \(file) cannot be written: \(error.localizedDescription)", priority: 3)
            throw ExitError(status: .stateUnusable)
        }
        wiring.say("wrote \(file); edit it, then run «watcher check»")
    }
}
