import Testing
import WatcherTestSupport

/// New containers beside old ones (`deploy.update_config`), seen by a client that goes through another container.
@Suite struct StartFirstTests {
    /// Tries the addresses of `web` as proxies do: the next one when one does not answer.
    private static let proxy = """
        while :; do
          for address in $(nslookup web 127.0.0.11 | sed -n 's/^Address: //p'); do
            wget -q -T 5 -O - "http://$address/version" && exit
          done
        done

        """

    /// A web server that takes a second to listen, a proxy before it and a client that never stops asking.
    private func compose(_ version: String, health: String? = nil, replicas: Int = 1) -> String {
        let check = "[CMD, wget, -q, -O, /dev/null, 'http://127.0.0.1/version']"
        return stack(
            service(
                "web",
                #"command: [sh, -c, "mkdir -p /www; echo \#(version) > /www/version; sleep 1; exec httpd -f -p 80 -h /www"]"#,
                health ?? "healthcheck: {test: \(check), interval: 1s, timeout: 2s, retries: 60}", "scale: \(replicas)",
                "deploy: {update_config: {order: start-first}}"),
            service(
                "proxy", "command: [nc, -ll, -p, '8080', -e, sh, /proxy.sh]", "volumes: ['./proxy.sh:/proxy.sh:ro']",
                "depends_on: {web: {condition: service_healthy}}"),
            service(
                "client",
                #"command: [sh, -c, "while :; do nc -w 30 proxy 8080 </dev/null >>/log || echo refused >>/log; done"]"#,
                "depends_on: [proxy]"))
    }

    private func begin(_ compose: String, _ scenario: Scenario) async throws -> Deployed {
        try await Deployed(compose, files: ["proxy.sh": Self.proxy], in: scenario)
    }

    /// What the client was answered, as soon as that version is among it.
    private func answers(until version: String, _ deployed: Deployed) async throws -> [String] {
        let client = try await deployed.container("client").id
        let wait = "for i in $(seq 600); do grep -q \(version) /log && break; sleep 0.1; done; cat /log"
        return try await deployed.scenario.engine.output(of: ["sh", "-c", wait], in: client)
            .split(whereSeparator: \.isNewline).map(String.init)
    }

    /// What the second deployment did to `web`, in its order.
    private func story(_ deployed: Deployed) async throws -> [String] {
        let shown = try await deployed.watcher.json(
            "history", "show", "\(deployed.project)/2", "--events", expecting: 0)
        return shown["events"].elements.filter { $0["service"].text == "web" }.compactMap { $0["line"].text }
            .filter { ["started container", "verified", "stopped container", "removed container"].contains($0) }
    }

    @Test func `the old container answers until the new one is verified, and no request is refused`() async throws {
        try await Scenario.with { scenario in
            let deployed = try await begin(compose("one"), scenario)
            let before = try await deployed.container("web")
            #expect(Set(try await answers(until: "one", deployed)) == ["one"])
            try await deployed.deploy(compose("two"))
            let answers = try await answers(until: "two", deployed)
            #expect(Set(answers) == ["one", "two"])
            let after = try await deployed.container("web")
            #expect(after.name == before.name)
            #expect(after.id != before.id)
            #expect(try await deployed.containers().count == 3)
            #expect(
                try await story(deployed)
                    == ["started container", "verified", "stopped container", "removed container"])
            try await deployed.watcher.run("check").expecting(0)
        }
    }

    @Test func `a new container that does not become healthy goes, the old one never notices`() async throws {
        try await Scenario.with { scenario in
            let deployed = try await begin(compose("one"), scenario)
            let before = try await deployed.containers()
            try await deployed.deploy(compose("two", health: neverHealthy), expecting: 20)
            #expect(try await deployed.containers() == before)
            #expect(!(try await answers(until: "one", deployed)).contains("refused"))
        }
    }

    @Test func `another service that fails leaves the old container untouched too`() async throws {
        try await Scenario.with { scenario in
            let deployed = try await begin(compose("one"), scenario)
            let before = try await deployed.container("web")
            try await deployed.deploy(compose("two") + service("extra", neverHealthy), expecting: 20)
            #expect(try await deployed.container("web") == before)
            #expect(try await deployed.containers().count == 3)
        }
    }

    @Test func `replicas are replaced one at a time`() async throws {
        try await Scenario.with { scenario in
            let deployed = try await begin(compose("one", replicas: 2), scenario)
            try await deployed.deploy(compose("two", replicas: 2))
            let all = try await deployed.containers()
            #expect(allRun(all))
            #expect(all.filter { $0.service == "web" }.map(\.name) == (1...2).map { "\(scenario.id)-web-\($0)" })
            let one = ["started container", "verified", "stopped container"]
            #expect(try await story(deployed) == one + one + ["removed container", "removed container"])
            #expect(!(try await answers(until: "two", deployed)).contains("refused"))
        }
    }

    @Test func `start-first that cannot be is refused with its place and reason`() async throws {
        try await Scenario.with { scenario in
            let deployed = try await Deployed(stack(service("web")), in: scenario)
            let before = try await deployed.containers()
            let compose = """
                services:
                  web:
                    image: busybox:1
                    ports: ["8080:80"]
                    deploy:
                      update_config:
                        order: start-first

                """
            try await deployed.deploy(compose, expecting: 65).saying("compose.yaml:7:", "start-first", "8080")
            #expect(try await deployed.containers() == before)
        }
    }
}
