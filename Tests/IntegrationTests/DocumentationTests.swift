import Foundation
import Testing
import WatcherTestSupport

/// The manual page and the help tell the same story.
@Suite struct DocumentationTests {
    private func commands(in help: String) -> [String] {
        guard let heading = help.range(of: "SUBCOMMANDS:") else { return [] }
        let end = help[heading.upperBound...].firstRange(of: "\n\n")?.lowerBound ?? help.endIndex
        return help[heading.upperBound..<end].split(whereSeparator: \.isNewline).compactMap { line in
            line.prefixMatch(of: #/  ([a-z][a-z-]*)( |$)/#).map { String($0.1) }
        }
    }

    private func manual() throws -> String {
        String(decoding: try Data(contentsOf: URL(filePath: "\(TestEnvironment.root)/man/watcher.1")), as: UTF8.self)
    }

    @Test func `every command of the help is in the manual page`() async throws {
        try await Scenario.with { scenario in
            let help = try await scenario.run(try TestEnvironment.binary(), ["--help"]).expecting(0)
            let commands = commands(in: help.output).filter { $0 != "help" }
            #expect(commands.count >= 8, "\(help)")
            let manual = try manual()
            for command in commands {
                let words = command.replacing("-", with: "\\-")
                #expect(
                    manual.contains("Ic \(command)") || manual.contains("Ic \(words)"), "not in the page: \(command)")
            }
        }
    }

    @Test func `every long option of a command is in the manual page`() async throws {
        try await Scenario.with { scenario in
            let binary = try TestEnvironment.binary()
            let help = try await scenario.run(binary, ["--help"]).expecting(0)
            let manual = try manual().replacing("\\-", with: "-")
            for command in commands(in: help.output).filter({ $0 != "help" }) {
                let text = try await scenario.run(binary, [command, "--help"]).expecting(0).output
                let options = Set(text.matches(of: /--([a-z][a-z-]+)/).map { String($0.1) })
                for option in options.subtracting(["help", "version"]) {
                    #expect(manual.contains("Fl -\(option)"), "not in the page: \(command) --\(option)")
                }
            }
        }
    }

    @Test func `every long option of the manual page exists`() async throws {
        try await Scenario.with { scenario in
            let binary = try TestEnvironment.binary()
            let help = try await scenario.run(binary, ["--help"]).expecting(0)
            var texts = help.output
            for command in commands(in: help.output).filter({ $0 != "help" }) {
                let text = try await scenario.run(binary, [command, "--help"]).expecting(0).output
                texts += text
                for subcommand in commands(in: text) {
                    texts += try await scenario.run(binary, [command, subcommand, "--help"]).expecting(0).output
                }
            }
            for option in Set(try manual().matches(of: /Fl -([a-z][a-z-]+)/).map { String($0.1) }) {
                #expect(texts.contains("--\(option)"), "no command has --\(option)")
            }
        }
    }
}
