import Compose
import Deploy
import Foundation
import Reconcile
import Testing
import WatcherTestSupport

@testable import watcher

/// Results as text and as JSON. Keys of a schema are only ever added.
@Suite struct ReportTests {
    private let started = Times.local(Samples.time)

    // MARK: - Runs

    private var failedRun: RunReport {
        var failed = RunResult(project: "shop", outcome: .restored, summary: "3f2a1c9b3f failed, restored")
        failed.tip = Samples.commit
        failed.deployment = DeploymentID(project: "shop", number: 4)
        failed.changes = [Samples.change]
        failed.warnings = ["old \u{1b}[2Jfile"]
        var error = DeployError(
            stage: .health, reason: .unhealthy, message: "webApp: unhealthy\u{7}\nagain",
            advice: "Read the log.\nPush a fix.",
            service: "webApp")
        error.logLines = ["panic: \u{1b}[31mno database"]
        failed.failure = RunResult.Failure(error)
        failed.milliseconds = 5300
        let quiet = RunResult(project: "blog", outcome: .inSync, summary: "in sync")
        return RunReport(command: "deploy", results: [failed, quiet])
    }

    @Test func `a run's result for people`() {
        #expect(
            failedRun.text(colors: false) == """
                shop: 3f2a1c9b3f failed, restored
                  warning: old [2Jfile
                blog: in sync

                """)
        #expect(
            failedRun.failures(now: Samples.time) == [
                """
                watcher: shop: webApp: unhealthy
                watcher: shop: again
                  last lines of webApp:
                  | panic: [31mno database
                  Read the log.
                  Push a fix.
                """
            ])
    }

    @Test func `check prints the plan with its causes`() {
        var pending = RunResult(project: "shop", outcome: .pending, summary: "3f2a1c9b3f is pending: 1 change")
        pending.changes = [Samples.change]
        #expect(
            RunReport(command: "check", results: [pending]).text(colors: false) == """
                shop: 3f2a1c9b3f is pending: 1 change
                  \(Samples.change.description)

                """)
        #expect(Samples.change.description.contains("image nginx:1.25 → nginx:1.27"))
    }

    @Test func `a run's result as JSON`() {
        let commit =
            #"{"author":"Ada <ada@example.com>","id":"\#(Samples.commit.id.hex)","parents":[],"#
            + #""subject":"Greet \u001b[31mpolitely","time":1795237000}"#
        let shop =
            #"{"changes":[{"action":"recreate","causes":["image nginx:1.25 → nginx:1.27"],"kind":"service","#
            + #""name":"webApp"}],"deployment":"shop/4","exit_status":20,"#
            + #""failure":{"advice":"Read the log.\nPush a fix.","#
            + #""log_lines":["panic: \u001b[31mno database"],"message":"webApp: unhealthy\u0007\nagain","reason":"unhealthy","#
            + #""service":"webApp","stage":"health"},"milliseconds":5300,"next":[],"outcome":"restored","project":"shop","#
            + #""summary":"3f2a1c9b3f failed, restored","tip":\#(commit),"warnings":["old \u001b[2Jfile"]}"#
        let blog =
            #"{"changes":[],"exit_status":0,"milliseconds":0,"next":[],"outcome":"in-sync","project":"blog","#
            + #""summary":"in sync","warnings":[]}"#
        #expect(
            JSONOutput.line(failedRun)
                == #"{"command":"deploy","exit_status":20,"kind":"result","projects":[\#(shop),\#(blog)],"schema":1}"#
                + "\n")
    }

    @Test func `a signal's status is the run's`() {
        let report = RunReport(command: "deploy", results: [], interruption: .terminated)
        #expect(
            JSONOutput.line(report)
                == #"{"command":"deploy","exit_status":143,"kind":"result","projects":[],"schema":1}"# + "\n")
    }

    @Test func `the documentation names every word of the results`() throws {
        let path = "\(TestEnvironment.root)/docs/json.md"
        let text = String(decoding: try Data(contentsOf: URL(filePath: path)), as: UTF8.self)
        let words =
            Reason.allCases.map(\.rawValue) + RunResult.Outcome.allCases.map(\.rawValue)
            + Event.Stage.allCases.map(\.rawValue)
        for word in words { #expect(text.contains("`\(word)`"), "not in docs/json.md: \(word)") }
        let examples = text.split(separator: "\n").filter { $0.hasPrefix("{") }
        #expect(examples.count == 4)
        for example in examples { _ = try JSONValue(parsing: String(example)) }
    }

    // MARK: - Failures before a result

    @Test func `a failure before a result is one object`() {
        let report = ErrorReport(ConfigurationError("no project \"x\u{1b}\"", advice: "It has: shop."))
        #expect(report.text == "watcher: no project \"x\"\n  It has: shop.")
        #expect(
            JSONOutput.line(report)
                == #"{"advice":"It has: shop.","exit_status":78,"kind":"error","message":"no project \"x\"","#
                + #""reason":"invalid-configuration","schema":1}"# + "\n")
    }

    @Test func `every error has a status and a reason`() {
        struct Odd: Error {}
        let locked = DeployError(stage: .fetch, reason: .locked, message: "held", advice: "Wait.")
        let table: [(any Error, ExitStatus, String)] = [
            (locked, .temporary, "locked"), (UsageError(message: "no"), .usage, "usage"),
            (CancellationError(), .interrupted, "interrupted"), (Odd(), .unexpected, "unexpected"),
        ]
        for (error, status, reason) in table {
            #expect(ErrorReport(error).status == status)
            #expect(ErrorReport(error).reason == reason)
        }
        #expect(ErrorReport(locked).text == "watcher: held\n  Wait.")
    }

    // MARK: - History

    @Test func `history is a table, newest first`() {
        let report = HistoryReport([Samples.failed(12), Samples.deployment(3)])
        let last = started.dropFirst("2026-11-21 ".count).prefix(5)
        let zone = String(repeating: " ", count: started.count - "STARTED".count)
        #expect(
            report.text(nothing: "") == """
                ID       KIND    STATUS     COMMIT      STARTED\(zone)  TOOK  WHAT
                shop/12  deploy  restored   3f2a1c9b3f  \(started)  -     Greet [31mpolitely: webApp: container is \
                unhealthy (2 times, last \(last))
                shop/3   deploy  succeeded  3f2a1c9b3f  \(started)  4.2s  Greet [31mpolitely

                """)
        #expect(HistoryReport([]).text(nothing: "no deployment is recorded") == "no deployment is recorded\n")
    }

    private let view =
        #""attempts":1,"changes":[{"action":"recreate","causes":["image nginx:1.25 → nginx:1.27"],"#
        + #""kind":"service","name":"webApp"}],"commit":{"author":"Ada <ada@example.com>","#
        + #""id":"\#(Samples.commit.id.hex)","parents":[],"subject":"Greet \u001b[31mpolitely","time":1795237000},"#
        + #""finished_at":1795237204250,"id":"shop/3","kind":"deploy","project":"shop","started_at":1795237200000,"#
        + #""status":"succeeded""#

    @Test func `history as JSON`() {
        #expect(
            JSONOutput.line(HistoryReport([Samples.deployment(3)]))
                == #"{"deployments":[{\#(view)}],"schema":1}"# + "\n")
        #expect(JSONOutput.line(HistoryReport([])) == #"{"deployments":[],"schema":1}"# + "\n")
    }

    private func report(compose: Bool = false, events: [Event]? = nil) -> DeploymentReport {
        DeploymentReport(
            deployment: DeploymentView(Samples.deployment(3)),
            composeFiles: compose ? ["a/Compose.yaml": "x: \u{1b}1"] : nil, events: events,
            images: ["webApp": "sha256:ab"])
    }

    @Test func `names of services and files are not changed in JSON`() {
        #expect(
            JSONOutput.line(report(compose: true))
                == #"{"compose_files":{"a/Compose.yaml":"x: \u001b1"},"deployment":{\#(view)},"#
                + #""images":{"webApp":"sha256:ab"},"schema":1}"# + "\n")
    }

    @Test func `one deployment for people`() {
        let event = Event(
            deploymentID: nil, kind: .log, stage: .health, state: .running, service: "webApp", line: "a\u{1b}b",
            at: Samples.time)
        #expect(
            report(compose: true, events: [event]).text() == """
                deployment shop/3
                Kind:     deploy
                Status:   succeeded
                Commit:   \(Samples.commit.id.hex)
                Author:   Ada <ada@example.com>
                Subject:  Greet [31mpolitely
                Started:  \(started)
                Took:     4.2s
                Changes:
                  \(Samples.change.description)
                Images:
                  webApp: sha256:ab

                --- a/Compose.yaml
                x: 1
                Events:
                  \(started)  health running  webApp: ab

                """)
    }

    @Test func `the difference of two deployments`() {
        let difference = DeploymentDifference(
            from: Samples.deployment(3, compose: "a: 1\nb: 2\nc: 3\n"),
            to: Samples.deployment(4, compose: "a: 1\nb: \u{1b}5\nc: 3\nd: 4\n"))
        #expect(
            difference.text(colors: false) == """
                --- shop/3 compose.yaml
                +++ shop/4 compose.yaml
                 a: 1
                -b: 2
                +b: 5
                 c: 3
                +d: 4

                """)
        #expect(
            JSONOutput.line(difference)
                == #"{"files":[{"lines":[{"mark":" ","text":"a: 1"},{"mark":"-","text":"b: 2"},"#
                + #"{"mark":"+","text":"b: \u001b5"},{"mark":" ","text":"c: 3"},{"mark":"+","text":"d: 4"}],"#
                + #""path":"compose.yaml"}],"from":"shop/3","schema":1,"to":"shop/4"}"# + "\n")
        let same = DeploymentDifference(from: Samples.deployment(3), to: Samples.deployment(4))
        #expect(same.text(colors: false) == "the Compose files are the same\n")
    }

    @Test func `a long difference shows what is around its changes`() {
        let lines = (1...20).map { "line \($0)\n" }
        var changed = lines
        changed[9] = "changed\n"
        let difference = DeploymentDifference(
            from: Samples.deployment(3, compose: lines.joined()),
            to: Samples.deployment(4, compose: changed.joined()))
        #expect(
            difference.text(colors: false) == """
                --- shop/3 compose.yaml
                +++ shop/4 compose.yaml
                @@ line 7
                 line 7
                 line 8
                 line 9
                -line 10
                +changed
                 line 11
                 line 12
                 line 13

                """)
    }

    // MARK: - Skip list

    @Test func `the skip list`() {
        let report = SkipListReport(skipped: [
            SkippedView(
                project: "shop", commit: Samples.commit.id, subject: nil, reason: "bad \u{1b}[1midea", code: .unhealthy,
                since: Samples.time, failures: 2)
        ])
        #expect(
            report.text(nothing: "") == """
                PROJECT  COMMIT      SINCE\(String(repeating: " ", count: started.count - 5))  FAILURES  REASON
                shop     3f2a1c9b3f  \(started)  2         bad [1midea

                """)
        #expect(
            JSONOutput.line(report)
                == #"{"schema":1,"skipped":[{"code":"unhealthy","commit":"\#(Samples.commit.id.hex)","failures":2,"#
                + #""project":"shop","reason":"bad \u001b[1midea","since":1795237200000}]}"# + "\n")
    }

    // MARK: - Status

    private func status(_ containers: [ObservedState.Container]) -> StatusReport {
        var record = ProjectRecord()
        record.lastGood = Samples.deployment(3)
        var facts = StatusFacts(now: Samples.time + 60_000)
        var observed = ObservedState()
        observed.containers = containers
        facts.observed = observed
        return StatusReport(projects: [StatusReport.Project("shop", record, facts)])
    }

    @Test func `status is a tree in which what is shared is drawn once`() {
        var gone = Samples.container("worker", .exited)
        (gone.exitCode, gone.health) = (137, .unhealthy)
        var web = Samples.container("webApp", health: .healthy)
        web.ports = ["0.0.0.0:80->80/tcp"]
        let tree = status([web, gone, Samples.container("old")]).text(colors: false, now: Samples.time + 60_000)
            .split(separator: "\n").suffix(6).joined(separator: "\n")
        #expect(
            tree == """
                  SERVICE         STATE         READY  RESTARTS  FOR  IMAGE       PORTS
                  ├─ old          running       -      -         -    -
                  ├─ webApp       healthy       1/1    0         -    webapp:1    0.0.0.0:80->80/tcp
                  │  └─ database  missing       0/1    0         -    database:1
                  └─ worker       exited (137)  0/1    0         -    worker:1
                     └─ database  (above)
                """)
    }

    @Test func `status as JSON`() {
        let text = JSONOutput.line(status([Samples.container("webApp", health: .starting)]))
        func service(_ name: String, _ container: String, _ needs: String, _ state: String) -> String {
            #"{"containers":[\#(container)],"depends_on":[\#(needs)],"image":"\#(name.lowercased()):1","#
                + #""name":"\#(name)",\#(state),"wanted":1}"#
        }
        let missing =
            #""ready":0,"restarts":0,"state":"does-not-work","trouble":{"kind":"missing","text":"is missing"}"#
        let container =
            #"{"health":"starting","id":"0123456789ab","name":"shop-webApp-1","ports":[],"state":"running"}"#
        let services = [
            service("database", "", "", missing),
            service("webApp", container, #""database""#, #""ready":1,"restarts":0,"state":"starting""#),
            service("worker", "", #""database""#, missing),
        ]
        #expect(text.contains(#""services":[\#(services.joined(separator: ","))],"skipped":0,"standing":"#))
        #expect(text.contains(#""configured":true,"deployed":"#) && text.contains(#""deployment":{\#(view)}"#))
        #expect(text.contains(#""exit_status":15,"outcome":"not-working","project":"shop","#))
        #expect(text.contains(#""standing":{"services":[{"is_required":true,"name":"database","#))
    }

    @Test func `a cycle is drawn and ends`() {
        func service(_ name: String, _ dependencies: [String]) -> StatusReport.Service {
            StatusReport.Service(name: name, image: nil, dependsOn: dependencies, containers: [])
        }
        var project = StatusReport.Project("shop", ProjectRecord(), StatusFacts(now: Samples.time))
        project.services = [service("a", ["b"]), service("b", ["a"]), service("c", ["missing"])]
        project.trouble = "cannot reach the engine"
        let text = StatusReport(projects: [project]).text(colors: false, now: Samples.time)
        #expect(
            text.split(separator: "\n").suffix(6).joined(separator: "\n") == """
                  SERVICE        STATE      READY  RESTARTS  FOR  IMAGE  PORTS
                  ├─ c           not known  -      -         -    -
                  │  └─ missing  not in the project
                  └─ a           not known  -      -         -    -
                     └─ b        not known  -      -         -    -
                        └─ a     (above)
                """)
    }

    @Test func `the most serious status is that of the configured projects`() {
        var broken = status([])
        #expect(broken.status == .notWorking)
        broken.projects[0].configured = false
        #expect(broken.status == .success)
    }

    @Test func `the timers' answer is read, and what is never is nothing`() {
        let answer =
            #"[{"next":1795688100000000,"left":1795688100000000,"last":0,"passed":0,"unit":"watcher.timer","activates":"#
            + #""watcher.service"},{"next":1795688090000000,"unit":"watcher@shop.timer"},"#
            + #"{"next":18446744073709551615,"unit":"watcher@blog.timer"},{"next":null,"unit":"watcher@x.timer"}]"#
        let times = NextRun.times(answer)
        #expect(NextRun.next(of: "shop", times) == 1_795_688_090_000)
        #expect(NextRun.next(of: "blog", times) == 1_795_688_100_000)
        #expect(NextRun.times("No such option").isEmpty && NextRun.next(of: "shop", [:]) == nil)
    }
}
