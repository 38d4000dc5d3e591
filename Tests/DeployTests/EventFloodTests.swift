import Reconcile
import Testing
import WatcherTestSupport

@testable import Deploy

/// Output without end: its beginning and its end are kept.
@Suite struct EventFloodTests {
    private let app = "services:\n  web: {image: web:1}\n"

    private func event(_ line: String, _ kind: Event.Kind = .log, _ state: Event.State = .running) -> Event {
        Event(deploymentID: nil, kind: kind, stage: .build, state: state, service: nil, line: line, at: 0)
    }

    private func kept(_ events: some Sequence<Event>) -> [Event] {
        var budget = EventBudget()
        var kept: [Event] = []
        for event in events { kept += budget.take(event) }
        return kept + budget.end()
    }

    @Test func `of a million lines the first and the last are kept, and the number of the others`() {
        let lines = kept((1...1_000_000).lazy.map { event("\($0)") }).map(\.line)
        #expect(lines.count == EventBudget.head.events + EventBudget.tail.events + 1)
        #expect(lines.first == "1" && lines.last == "1000000")
        #expect(lines[EventBudget.head.events] == "995500 lines of output left out here")
    }

    @Test func `what a run says of itself is kept in its place`() {
        let flood = (1...10_000).map { event("\($0)") }
        let events = flood + [event("stage", .status, .succeeded)] + flood + [event("done", .status, .failed)]
        let kept = kept(events)
        #expect(kept.map(\.line).filter { Int($0) == nil }.count == 4)
        #expect(kept.last?.line == "done" && kept.dropLast().last?.line == "10000")
        let middle = kept.firstIndex { $0.line == "stage" }
        #expect(middle.map { kept[$0 - 1].line } == "10000" && middle.map { kept[$0 + 1].state } == .warning)
    }

    @Test func `no order of events keeps more than some megabytes`() {
        let long = String(repeating: "x", count: EventBudget.line)
        let events = (1...300_000).lazy.flatMap { number in
            [event(long), event("\(number)", .progress, .warning), event(long), event(long)]
        }
        let kept = kept(events)
        #expect(kept.reduce(0) { $0 + $1.line.utf8.count } < 5 << 20)
        #expect(kept.count < 20_000)
    }

    @Test func `a short output is kept whole`() {
        let events = (1...3000).map { event("\($0)") }
        #expect(kept(events) == events)
    }

    @Test func `a build that floods is stored with its end, and streamed whole`() async {
        let house = House()
        house.configure {
            $0.build = BuildSettings(
                commands: [HostCommand(arguments: ["make"], title: "make", directory: ".", timeout: .seconds(1))],
                user: nil)
        }
        house.push(app)
        house.commands.with {
            $0.prints["make"] = (1...20_000).map { "line \($0)" } + [String(repeating: "é", count: 1 << 20)]
        }
        #expect(await house.deploy().outcome == .deployed)
        #expect(house.events.filter { $0.kind == .log }.count == 20_001)
        #expect(house.events.allSatisfy { $0.line.utf8.count <= EventBudget.line })
        let stored = house.store.with { $0.events.values.flatMap { $0 } }
        #expect(stored.count < 6000)
        #expect(stored.contains { $0.line == "line 1" } && stored.contains { $0.line == "line 20000" })
        #expect(stored.contains { $0.line.hasSuffix("lines of output left out here") })
        #expect(stored.last?.kind == .status && stored.last?.stage == .record)
    }

    @Test(arguments: [
        ("short", "short"), ("1234567890", "1234567890"), ("12345678901", "1234567..."), ("éééééé", "ééé..."),
    ])
    func `a text is cut between characters`(text: String, cut: String) {
        #expect(text.shortened(bytes: 10) == cut)
    }

    @Test func `a hook gets no variable that is too long for a process`() async {
        let house = House()
        house.configure {
            $0.hooks.onFailure = [HostCommand(arguments: ["tell"], title: "tell", directory: "/", timeout: .seconds(1))]
        }
        house.engine.with {
            $0.buildTrouble = Trouble(reason: .buildFailed, message: String(repeating: "x", count: 1 << 20))
        }
        house.push("services:\n  web: {build: app}\n", ["app/Dockerfile": "FROM busybox:1"])
        let result = await house.deploy()
        #expect(result.failure.map { $0.message.utf8.count < 100_000 } == true)
        let variables = house.commands.with { $0.run.last?.environment ?? [:] }
        #expect(variables["WATCHER_MESSAGE"]?.utf8.count == 8 << 10)
    }
}
