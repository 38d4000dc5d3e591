import ArgumentParser
import Compose
import Deploy
import DockerEngine
import Foundation
import Git
import Reconcile
import Testing

@testable import watcher

// Whom the configuration trusts, and what it protects.

extension ConfigurationTests {
    @Test func `tls without files is TLS with the system's authorities`() throws {
        let text = "projects: {shop: {repository: /srv/a, engine: {host: 'tcp://engine', tls: {}}}}"
        let engine = try #require(try read(text).projects.first?.engine)
        #expect(engine.usesTLS)
        #expect(try Wiring(try GlobalOptions.parse([])).endpoint(engine).usesTLS)
        #expect(try !Wiring(try GlobalOptions.parse([])).endpoint(EngineConfiguration(host: "tcp://engine")).usesTLS)
    }

    @Test(arguments: ["unix:///var/run/docker.sock", "ssh://engine"])
    func `tls is refused where there is none`(host: String) {
        #expect(
            problems(with: "engine: {host: '\(host)', tls: {}}").hasSuffix(
                "engine.tls: is for tcp:// only, and the engine is \(host)"))
        #expect(problems(with: "engine: {tls: {}}").contains("engine.tls: is for tcp:// only"))
    }

    @Test func `http to another machine needs consent`() {
        let text = "projects: {shop: {repository: 'http://git.example.com/x', git: {insecure_http: CONSENT}}}"
        #expect(problems(text.replacing("CONSENT", with: "true")) == "none")
        let refusal = problems(text.replacing("CONSENT", with: "false"))
        #expect(refusal.hasPrefix("1:31: projects.shop.repository: http://git.example.com/x is not encrypted"))
        #expect(refusal.contains("`git: {insecure_http: true}`"))
    }

    @Test func `what is watcher's own is protected from every project, and variables from other projects`() throws {
        let text = """
            projects:
              shop: {repository: 'ssh://h/a', git: {ssh_key: /k/id, known_hosts: /k/hosts}, env_files: [/e/shop.env]}
              blog: {repository: 'https://h/b', git: {password: {file: /k/token}}, host_files: [/etc/app]}
            """
        let wiring = Wiring(try GlobalOptions.parse(["--state-dir", "/var/lib/watcher"]))
        let projects = wiring.protected(try read(text)).projects
        let common = ["/var/lib/watcher", "/etc/watcher/config.yaml", "/k/id", "/k/hosts", "/k/token"]
        for project in projects {
            let paths = project.settings.protectedPaths.map(\.path)
            #expect(Set(common).isSubset(of: paths), "\(paths)")
            #expect(paths.contains("/e/shop.env") == (project.settings.name == "blog"))
        }
        #expect(projects.last?.settings.hostFiles == ["/etc/app"])
        #expect(problems(with: "host_files: [app]").contains("\"app\" is not a clean absolute path"))
    }

    @Test func `a configuration that others can change is refused with the command that repairs it`() throws {
        try withDirectory { directory in
            let path = "\(directory)/config.yaml"
            try Data("projects: {shop: {repository: /srv/a}}".utf8).write(to: URL(filePath: path))
            #expect(throws: Never.self) { try ConfigurationReader(file: path, environment: home).read() }
            chmod(path, 0o666)
            let error = #expect(throws: ConfigurationError.self) {
                try ConfigurationReader(file: path, environment: home).read()
            }
            #expect(ErrorReport(try #require(error)).status == .refused)
            #expect(error?.advice == "Run `chmod go-w \(path)`.")
            chmod(path, 0o600)
            chown(path, 4711, 0)
            #expect(throws: ConfigurationError.self) { try ConfigurationReader(file: path, environment: home).read() }
        }
    }
}
