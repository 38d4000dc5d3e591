import Reconcile
import Testing

/// A container as it looks at one moment of a wait.
private struct Look: Sendable {
    var at: Duration
    var state: ObservedState.Container.State
    var health: ObservedState.Container.Health?
    var exit = 0
    var restarts = 0
    var startedAt = 1
    var policy = "no"
}

private struct GateCase: Sendable, CustomTestStringConvertible {
    var name: String
    var expectation: WaitExpectation
    var looks: [Look]
    var verdict: HealthGate.Verdict
    var testDescription: String { name }
}

private let id = ContainerID(hex: "abcdef0123456789")

private func failed(_ reason: Reason, _ message: String) -> HealthGate.Verdict {
    .failed(.init(reason: reason, message: "container web-1 \(message)", container: id))
}

@Suite struct HealthGateTests {
    private static let settled = WaitExpectation.verified(settle: .seconds(3), mayComplete: true)
    private static let cases: [GateCase] = [
        GateCase(
            name: "created waits", expectation: settled, looks: [Look(at: .zero, state: .created)],
            verdict: .waiting(lookAgainAt: nil)),
        GateCase(
            name: "running without a health check waits for the settle time", expectation: settled,
            looks: [Look(at: .seconds(1), state: .running)], verdict: .waiting(lookAgainAt: .seconds(4))),
        GateCase(
            name: "running for the settle time is verified", expectation: settled,
            looks: [Look(at: .seconds(1), state: .running), Look(at: .seconds(4), state: .running)],
            verdict: .satisfied),
        GateCase(
            name: "a restart starts the settle time again", expectation: settled,
            looks: [
                Look(at: .seconds(1), state: .running),
                Look(at: .seconds(3), state: .running, restarts: 1, startedAt: 2),
                Look(at: .seconds(5), state: .running, restarts: 1, startedAt: 2),
            ], verdict: .waiting(lookAgainAt: .seconds(6))),
        GateCase(
            name: "a restart by hand starts the settle time again", expectation: settled,
            looks: [
                Look(at: .seconds(1), state: .running), Look(at: .seconds(4), state: .running, startedAt: 2),
            ], verdict: .waiting(lookAgainAt: .seconds(7))),
        GateCase(
            name: "restarting waits", expectation: settled, looks: [Look(at: .zero, state: .restarting, exit: 1)],
            verdict: .waiting(lookAgainAt: nil)),
        GateCase(
            name: "a crash loop fails at the third restart", expectation: settled,
            looks: [
                Look(at: .zero, state: .running), Look(at: .seconds(1), state: .restarting, exit: 7, restarts: 2),
                Look(at: .seconds(2), state: .restarting, exit: 7, restarts: 3),
            ], verdict: failed(.crashed, "keeps crashing: 3 restarts, last exit status 7")),
        GateCase(
            name: "restarts of before do not count", expectation: settled,
            looks: [
                Look(at: .zero, state: .running, restarts: 9), Look(at: .seconds(3), state: .running, restarts: 9),
            ],
            verdict: .satisfied),
        GateCase(
            name: "starting waits without a time to look", expectation: settled,
            looks: [Look(at: .seconds(9), state: .running, health: .starting)], verdict: .waiting(lookAgainAt: nil)),
        GateCase(
            name: "healthy is verified at once", expectation: settled,
            looks: [Look(at: .zero, state: .running, health: .healthy)], verdict: .satisfied),
        GateCase(
            name: "unhealthy fails at once", expectation: settled,
            looks: [Look(at: .zero, state: .running, health: .unhealthy)], verdict: failed(.unhealthy, "is unhealthy")),
        GateCase(
            name: "exit 0 of a one-shot is verified", expectation: settled,
            looks: [Look(at: .zero, state: .exited, policy: "on-failure")], verdict: .satisfied),
        GateCase(
            name: "exit 0 under a policy that restarts is a crash", expectation: settled,
            looks: [Look(at: .zero, state: .exited, policy: "always")],
            verdict: failed(.crashed, "exited with status 0")),
        GateCase(
            name: "exit 1 is a crash", expectation: settled, looks: [Look(at: .zero, state: .exited, exit: 1)],
            verdict: failed(.crashed, "exited with status 1")),
        GateCase(
            name: "paused is no success", expectation: settled, looks: [Look(at: .zero, state: .paused)],
            verdict: failed(.crashed, "is paused")),
        GateCase(
            name: "healthy satisfies service_healthy", expectation: .healthy,
            looks: [
                Look(at: .zero, state: .running, health: .starting), Look(at: .zero, state: .running, health: .healthy),
            ],
            verdict: .satisfied),
        GateCase(
            name: "no health check fails service_healthy", expectation: .healthy,
            looks: [Look(at: .zero, state: .running)],
            verdict: failed(.dependencyFailed, "has no health check, but another service waits for it to be healthy")),
        GateCase(
            name: "exit 0 fails service_healthy", expectation: .healthy, looks: [Look(at: .zero, state: .exited)],
            verdict: failed(.crashed, "exited with status 0")),
        GateCase(
            name: "a running job is waited for", expectation: .completed,
            looks: [Look(at: .seconds(60), state: .running)], verdict: .waiting(lookAgainAt: nil)),
        GateCase(
            name: "exit 0 completes a job, whatever its policy", expectation: .completed,
            looks: [Look(at: .zero, state: .exited, policy: "always")], verdict: .satisfied),
        GateCase(
            name: "exit 5 does not complete a job", expectation: .completed,
            looks: [Look(at: .zero, state: .exited, exit: 5)],
            verdict: failed(.exitedNonZero, "did not complete: exit status 5")),
        GateCase(
            name: "dead fails", expectation: .completed, looks: [Look(at: .zero, state: .dead, exit: 137)],
            verdict: failed(.crashed, "exited with status 137")),
    ]

    private func container(_ look: Look, _ id: ContainerID = id) -> ObservedState.Container {
        var container = ObservedState.Container(id: id, name: "web-1", service: "web", number: 1, state: look.state)
        container.health = look.health
        container.exitCode = look.exit
        container.restartCount = look.restarts
        container.startedAt = look.startedAt
        container.restartPolicy = look.policy
        return container
    }

    @Test(arguments: cases) private func `the verdict follows from what is seen`(_ test: GateCase) {
        var gate = HealthGate(
            Wait(service: "web", containers: [id], expectation: test.expectation, timeout: .seconds(60)))
        var verdict = HealthGate.Verdict.satisfied
        for look in test.looks { verdict = gate.observe(id, container(look), at: look.at) }
        #expect(verdict == test.verdict)
    }

    @Test func `a container that is gone fails`() {
        var gate = HealthGate(Wait(service: "web", containers: [id], expectation: .healthy, timeout: .seconds(60)))
        #expect(
            gate.observe(id, nil, at: .zero)
                == .failed(
                    .init(reason: .containerRemoved, message: "container abcdef012345 was removed", container: id)))
    }

    @Test func `all replicas have to be ready, and a later crash of one counts`() {
        let other = ContainerID(hex: "ffff")
        var gate = HealthGate(
            Wait(service: "web", containers: [id, other], expectation: Self.settled, timeout: .seconds(60)))
        #expect(
            gate.observe(id, container(Look(at: .zero, state: .running, health: .healthy)), at: .zero)
                == .waiting(lookAgainAt: nil))
        #expect(
            gate.observe(other, container(Look(at: .zero, state: .running), other), at: .zero)
                == .waiting(lookAgainAt: .seconds(3)))
        #expect(
            gate.observe(id, container(Look(at: .zero, state: .running, health: .unhealthy)), at: .seconds(1))
                == failed(.unhealthy, "is unhealthy"))
    }

    @Test func `containers that ran to completion are remembered, others are ignored`() {
        var gate = HealthGate(Wait(service: "web", containers: [id], expectation: Self.settled, timeout: .seconds(60)))
        let stranger = ContainerID(hex: "ffff")
        #expect(gate.observe(stranger, nil, at: .zero) == .waiting(lookAgainAt: nil))
        #expect(gate.observe(id, container(Look(at: .zero, state: .exited)), at: .zero) == .satisfied)
        #expect(gate.completed == [id])
    }

    @Test func `a wait for nothing is satisfied`() {
        var gate = HealthGate(Wait(service: "web", containers: [], expectation: .healthy, timeout: .seconds(1)))
        #expect(gate.observe(id, nil, at: .zero) == .satisfied)
    }
}
