import Deploy
import Foundation
import Reconcile
import Testing
import WatcherTestSupport

@testable import watcher

/// The section `policy`: what it means, and everything that can be wrong with it.
@Suite struct PolicyConfigurationTests {
    private func read(_ text: String, environment: [String: String] = [:]) throws -> [Policy] {
        try ConfigurationReader(file: "/etc/watcher/config.yaml", environment: environment).read(Array(text.utf8))
            .projects.first?.settings.policies ?? []
    }

    private func policy(_ lines: String, environment: [String: String] = [:]) throws -> Policy {
        let section = lines.split(separator: "\n").map { "      \($0)\n" }.joined()
        return try #require(
            try read(
                "projects:\n  shop:\n    repository: file:///srv/infra.git\n    policy:\n\(section)",
                environment: environment
            ).first)
    }

    /// The first line of the section stands in line 5, column 7.
    private func problems(_ lines: String) -> String {
        do {
            _ = try policy(lines)
            return "none"
        } catch {
            return "\(error)".replacing("/etc/watcher/config.yaml:", with: "")
                .replacing("projects.shop.policy", with: "policy")
        }
    }

    @Test func `every key arrives where it belongs`() throws {
        let policy = try policy(
            """
            privileged: false
            host_namespaces: false
            host_resources: false
            bind_sources: [/srv/, /data/../opt]
            capabilities: [cap_net_admin, CHOWN]
            devices: [/dev/dri, gpu]
            security_options: []
            sysctls: [net.core.somaxconn]
            runtimes: [runc]
            network_drivers: [macvlan]
            volume_drivers: []
            external: [edge]
            registries: registry.example.com
            pinned: true
            builds: true
            ports: ["127.0.0.1:*", 443]
            minimum_image_age: 3d
            cosign: {key: cosign.pub}
            """, environment: ["HOME": "/root", "COSIGN_EXPERIMENTAL": "1", "https_proxy": "p", "SECRET": "x"])
        #expect(policy.name == "projects.shop.policy")
        #expect(policy.privileged == false && policy.hostNamespaces == false && policy.hostResources == false)
        #expect(policy.bindSources == ["/srv", "/opt"] && policy.capabilities == ["NET_ADMIN", "CHOWN"])
        #expect(policy.devices == ["/dev/dri", "gpu"] && policy.securityOptions == [])
        #expect(policy.sysctls == ["net.core.somaxconn"] && policy.runtimes == ["runc"])
        #expect(policy.networkDrivers == ["macvlan"] && policy.volumeDrivers == [] && policy.external == ["edge"])
        #expect(policy.registries == ["registry.example.com"] && policy.pinned && policy.allowsBuilds)
        #expect(policy.ports == ["127.0.0.1:*", "443"].compactMap(PortRule.init))
        #expect(policy.minimumImageAge == .seconds(3 * 86_400))
        #expect(policy.cosign?.signer == .key("/etc/watcher/cosign.pub"))
        #expect(
            policy.cosign?.environment == [
                "COSIGN_EXPERIMENTAL": "1", "https_proxy": "p", "DOCKER_CONFIG": "/root/.docker",
            ])
        #expect(policy.windows == nil)
    }

    @Test func `what is not given denies nothing, and what is true neither`() throws {
        #expect(try policy("privileged: true") == Policy(name: "projects.shop.policy"))
        #expect(try read("projects: {shop: {repository: 'file:///srv/infra.git'}}").isEmpty)
    }

    @Test func `a project has to fulfil the policy for all and its own`() throws {
        let policies = try read(
            """
            policy: {privileged: false}
            projects: {shop: {repository: 'file:///srv/infra.git', policy: {ports: []}}}
            """)
        #expect(policies.map(\.name) == ["policy", "projects.shop.policy"])
        #expect(policies.first?.privileged == false && policies.last?.ports == [])
    }

    @Test func `a signer by identity`() throws {
        let policy = try policy("cosign: {identity: a@example.com, issuer: 'https://accounts.example.com'}")
        #expect(policy.cosign?.signer == .identity("a@example.com", issuer: "https://accounts.example.com"))
    }

    @Test(arguments: [
        ("privilegd: false", "5:7: policy: unknown key \"privilegd\"; did you mean \"privileged\"?"),
        ("privileged: 1", "5:19: policy.privileged: expected true or false, found the number 1"),
        ("capabilities:", "5:7: policy.capabilities: has no value; write [] to allow nothing"),
        ("bind_sources: [srv]", "5:21: policy.bind_sources: \"srv\" is not an absolute path"),
        (
            "ports: ['localhost:80']",
            "5:14: policy.ports: \"localhost:80\" is not an address and port such as 127.0.0.1:*, *:443 or [::1]:8000-8100"
        ),
        ("cosign: {key: k, issuer: i}", "5:15: policy.cosign: expected either key, or identity and issuer"),
        ("windows: []", "5:16: policy.windows: there is none"),
        (
            "windows: [{allow: '0 25 * * *', for: 1h}]",
            "5:25: policy.windows[0].allow: \"25\" is no hour from 0 to 23"
        ),
        (
            "windows: [{allow: '0 22 * *', for: 1h}]",
            "5:25: policy.windows[0].allow: \"0 22 * *\" has 4 fields; a start has five: minute hour day month weekday"
        ),
        ("windows: [{allow: '@daily'}]", "5:17: policy.windows[0]: for is missing"),
        ("windows: [{for: 1h}]", "5:17: policy.windows[0]: expected either allow or deny"),
        ("windows: [{allow: '@daily', for: 40d}]", "5:40: policy.windows[0].for: expected from 1m to 31d"),
        (
            "windows: [{allow: '@daily', for: 1h, timezone: Europe/Berlinn}]",
            "5:54: policy.windows[0].timezone: unknown time zone \"Europe/Berlinn\"; write it as Europe/Berlin or UTC (the names are below /usr/share/zoneinfo, of the package tzdata)"
        ),
        (
            "windows: [{allow: '@daily', for: 1h, timezone: ../../../etc/passwd}]",
            "5:54: policy.windows[0].timezone: unknown time zone \"../../../etc/passwd\"; write it as Europe/Berlin or UTC (the names are below /usr/share/zoneinfo, of the package tzdata)"
        ),
    ])
    func `what is wrong is told with its place`(_ lines: String, _ problem: String) {
        #expect(problems(lines) == problem)
    }

    // MARK: - Windows

    @Test(arguments: [
        "windows: [{allow: '0 22 * * 1-5', for: 6h, timezone: Europe/Berlin}]",
        "windows: {allow: '0 22 * * 1-5', for: 6h, timezone: Europe/Berlin}",
        "windows: {allow: {start: '0 22 * * 1-5', for: 6h}, timezone: Europe/Berlin}",
        "windows: {allow: [{start: '0 22 * * 1-5', for: 6h, timezone: Europe/Berlin}], timezone: UTC}",
    ])
    func `each way to write a window means the same`(_ lines: String) throws {
        let policy = try policy(lines)
        let window = try #require(policy.windows?.allow.first)
        #expect(window.start.text == "0 22 * * 1-5" && window.seconds == 21_600 && window.zone.name == "Europe/Berlin")
        // The system's own table of the zone: clocks went forward on 2026-03-29 at 01:00 UTC.
        #expect(window.zone.offset(at: 1_774_745_999).seconds == 3600)
        #expect(window.zone.offset(at: 1_774_746_000).abbreviation == "CEST")
        #expect(window.zone.offset(at: 2_500_000_000).abbreviation == "CET")
        #expect([policy].closedWindow(at: 1_774_746_000_000)?.hasSuffix("at 2026-03-30 22:00 CEST") == true)
    }

    @Test func `a window is in the host's time zone unless it says another`() throws {
        let lines = "windows: [{deny: '0 8 * * *', for: 10h}]"
        #expect(try policy(lines, environment: ["TZ": ":Asia/Tokyo"]).windows?.deny.first?.zone.name == "Asia/Tokyo")
        let rule = try policy(lines, environment: ["TZ": "CET-1CEST,M3.5.0,M10.5.0/3"]).windows?.deny.first?.zone
        #expect(rule?.offset(at: 1_774_746_000).seconds == 7200)
    }

    // MARK: - Files that are judged without an engine

    @Test(arguments: [
        "privileged: false\nports: []\nminimum_image_age: 1d\n",
        "policy: {privileged: false, ports: [], minimum_image_age: 1d}\n",
        "policy: {privileged: false}\nprojects: {shop: {repository: 'file:///srv/r.git', policy: {ports: [], minimum_image_age: 1d}}}\n",
    ])
    func `config judges files by a policy, wherever it is written`(_ policy: String) async throws {
        try await Self.run(
            policy: policy,
            compose: "services:\n  web:\n    image: w\n    privileged: true\n    ports:\n      - 80:80\n"
        ) { arguments, run in
            let denied = try await run(arguments).expecting(77)
            denied.saying(
                "compose.yaml:4:5: services.web.privileged: runs privileged", "compose.yaml:6:9: services.web.ports[0]")
            #expect(denied.output.isEmpty)
        }
        try await Self.run(policy: policy, compose: "services: {web: {image: w}}\n") { arguments, run in
            try await run(arguments).expecting(0).saying(
                "image: w", "not judged without an engine: `minimum_image_age`")
        }
    }

    @Test func `config names the project whose policy is meant`() async throws {
        let policy = """
            projects:
              a: {repository: 'file:///srv/r.git', policy: {privileged: false}}
              b: {repository: 'file:///srv/r.git', policy: {ports: []}}
            """
        try await Self.run(policy: policy, compose: "services: {web: {image: w, privileged: true}}\n") {
            arguments, run in
            try await run(arguments).expecting(78).saying("--policy-of")
            try await run(arguments + " --policy-of a").expecting(77).saying("projects.a.policy.privileged")
            try await run(arguments + " --policy-of b").expecting(0)
            try await run(arguments + " --policy-of c").expecting(78).saying("no project \"c\"")
            try await run("-f compose.yaml --config policy.yaml --policy-of a").expecting(77)
            try await run(arguments + " --no-interpolate").expecting(64)
        }
    }

    @Test func `config allows the files of the repository as bind sources`() async throws {
        let compose = "services: {web: {image: w, volumes: ['../x:/x', '../../y:/y', /etc:/z]}}\n"
        try await Self.run(policy: "bind_sources: []\n", compose: compose, directory: "stacks") { arguments, run in
            let denied = try await run(arguments).expecting(77)
            denied.saying("services.web.volumes[1]", "services.web.volumes[2]")
            #expect(!denied.errorOutput.contains("volumes[0]"))
        }
    }

    /// Runs `watcher config` in a repository that has these files.
    private static func run(
        policy: String, compose: String, directory: String = ".",
        _ body: (String, (String) async throws -> FinishedProcess) async throws -> Void
    ) async throws {
        let binary = try TestEnvironment.binary()
        let root = NSTemporaryDirectory() + "watcher-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: root) }
        try FileManager.default.createDirectory(atPath: root + "/.git", withIntermediateDirectories: true)
        try FileManager.default.createDirectory(atPath: "\(root)/\(directory)", withIntermediateDirectories: true)
        try Data(policy.utf8).write(to: URL(filePath: "\(root)/policy.yaml"))
        try Data(compose.utf8).write(to: URL(filePath: "\(root)/\(directory)/compose.yaml"))
        try await body("-f \(directory)/compose.yaml --policy policy.yaml") { arguments in
            try await execute(
                "/bin/sh", ["-c", "exec \(binary) config \(arguments)"],
                environment: ["PATH": "/usr/bin:/bin", "HOME": root], in: root)
        }
    }
}
