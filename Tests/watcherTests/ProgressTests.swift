import Deploy
import Foundation
import Testing
import WatcherTestSupport

@testable import watcher

/// Lines about how things go, on terminals, in the journal and as JSON.
@Suite struct ProgressTests {
    private func event(
        _ state: Event.State, _ line: String, kind: Event.Kind = .progress, stage: Event.Stage = .apply,
        service: String? = nil
    ) -> Event {
        Event(deploymentID: nil, kind: kind, stage: stage, state: state, service: service, line: line, at: 7)
    }

    private func progress(colors: Bool = false, journal: Bool = false, verbose: Bool = false, several: Bool = false)
        -> Progress
    {
        Progress(
            terminal: Terminal(
                isErrorTTY: colors, isOutputTTY: colors, isJournal: journal, isSmart: colors, colorsOutput: colors,
                colorsError: colors),
            style: .lines, isVerbose: verbose, namesProject: several)
    }

    @Test func `a line names stage, service and what happens`() {
        let progress = progress()
        #expect(progress.line(event(.running, "create", service: "web"), of: "shop").text == "apply    web: create")
        #expect(
            progress.line(event(.running, "web: create", service: "web"), of: "shop").text == "apply    web: create")
        #expect(progress.line(event(.warning, "slow"), of: "shop").text == "apply    warning: slow")
        #expect(
            progress.line(event(.running, "boom", kind: .log, stage: .health, service: "web"), of: "shop").text
                == "health   web: | boom")
    }

    @Test func `a line names the project when there are several`() {
        #expect(self.progress(several: true).line(event(.running, "x"), of: "shop").text == "shop: apply    x")
    }

    @Test func `the journal gets a priority on every line`() {
        let progress = progress(journal: true)
        for (state, priority) in [(Event.State.failed, 3), (.warning, 4), (.succeeded, 6), (.running, 6)] {
            #expect(progress.line(event(state, "x"), of: "shop").priority == priority)
        }
        #expect(progress.terminal.lines("a\nb", priority: 3) == "<3>a\n<3>b\n")
        #expect(self.progress().terminal.lines("a\nb", priority: 3) == "a\nb\n")
    }

    @Test func `colours are only for those who want them`() {
        let coloured = progress(colors: true).line(event(.failed, "gone", service: "web"), of: "shop").text
        #expect(coloured == "\u{1b}[2mapply    \u{1b}[0m\u{1b}[1mweb: \u{1b}[0m\u{1b}[31mgone\u{1b}[0m")
        #expect(!Terminal(color: .never, environment: [:]).colorsError)
        #expect(!Terminal(color: .auto, environment: ["NO_COLOR": "1"]).colorsError)
        #expect(Terminal(color: .always, environment: ["NO_COLOR": "1"]).colorsOutput)
    }

    @Test func `what comes from outside cannot steer a terminal`() {
        let line = progress().line(
            event(.running, "\u{1b}]0;title\u{7}\u{1b}[2J ok\r\u{9b}31m\u{202e}", kind: .log), of: "s")
        #expect(line.text == "apply    | ]0;title[2J ok31m")
        #expect("a\tb\nc\u{7f}\u{0}d".printable == "a\tb\ncd")
        #expect("Größe ✓ 👩‍💻".printable == "Größe ✓ 👩‍💻")
    }

    @Test func `without -v only what matters is said`() {
        let progress = progress()
        #expect(progress.isWorthALine(event(.started, "x", stage: .pull)))
        #expect(progress.isWorthALine(event(.failed, "x", stage: .record)))
        #expect(progress.isWorthALine(event(.running, "x", kind: .log)))
        #expect(!progress.isWorthALine(event(.started, "x", stage: .load)))
        #expect(!progress.isWorthALine(event(.skipped, "x")))
    }

    @Test func `a streamed event names its project and has a deployment or null`() throws {
        #expect(
            JSONOutput.line(StreamedEvent(event(.running, "a/b", service: "webApp"), of: "shop"))
                == #"{"at":7,"deployment_id":null,"kind":"progress","line":"a/b","project":"shop","service":"webApp","#
                + #""stage":"apply","state":"running"}"# + "\n")
        var deployed = event(.succeeded, "done", kind: .status)
        deployed.deploymentID = DeploymentID(project: "shop", number: 3)
        let json = try JSONValue(parsing: JSONOutput.line(StreamedEvent(deployed, of: "shop")))
        #expect(json["deployment_id"].text == "shop/3")
    }
}
