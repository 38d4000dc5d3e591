internal import ArgumentParser
internal import Foundation
internal import Reconcile

struct InitCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "init",
        abstract: "Write a commented example configuration.",
        usage: "watcher init [--force] [<options>]",
        discussion: ExitStatus.help(
            [.success, .refused, .invalidConfiguration], example: "watcher init --config ./watcher.yaml"))

    @Flag(help: "Replace a configuration that is there.")
    var force = false

    @OptionGroup var options: GlobalOptions

    func run() throws {
        let wiring = Wiring(options)
        let file = wiring.configurationFile
        if FileManager.default.fileExists(atPath: file), !force {
            throw ConfigurationError("\(file) is there already", advice: "--force replaces it.")
        }
        do {
            try FileManager.default.createDirectory(
                at: URL(fileURLWithPath: file).deletingLastPathComponent(), withIntermediateDirectories: true)
            try Data(ExampleConfiguration.text.utf8).write(to: URL(fileURLWithPath: file), options: .atomic)
        } catch {
            var refusal = ConfigurationError(
                "\(file) cannot be written: \(error.cause)",
                advice: "Run watcher as a user who may write there, or choose another file with --config.")
            refusal.isRefusal = true
            throw refusal
        }
        wiring.say("wrote \(file); edit it, then run `watcher check`")
    }
}
