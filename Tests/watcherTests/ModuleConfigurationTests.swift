import Git
import Testing

@testable import watcher

/// `git.submodules` and `git.lfs`.
@Suite struct ModuleConfigurationTests {
    private func modules(_ git: String) throws -> ModuleSettings {
        let text = "projects:\n  shop:\n    repository: https://git.example.com/acme/shop.git\n    git: \(git)\n"
        let reader = ConfigurationReader(file: "/etc/watcher/config.yaml", environment: [:])
        return try #require(try reader.read(Array(text.utf8)).projects.first).modules
    }

    @Test func `submodules and Git LFS are fetched unless the configuration says otherwise`() throws {
        #expect(try modules("{username: ada}") == ModuleSettings())
        #expect(try modules("{submodules: true, lfs: true}") == ModuleSettings())
        #expect(
            try modules("{submodules: false, lfs: false}")
                == ModuleSettings(fetchesSubmodules: false, fetchesLFS: false))
    }

    @Test func `credentials are given by the address of a repository, of a directory or of a server`() throws {
        let settings = try modules(
            """
            {submodules: {"https://git.example.org/libs": {username: deploy, password: {credential: libs}}, \
            "git@git.example.net:": {ssh_key: key, known_hosts: hosts}, "https://github.com/": }}
            """)
        #expect(
            try settings.rules == [
                .init(
                    "https://git.example.org/libs",
                    access: GitAccess(username: "deploy", password: .credential("libs"))),
                .init(
                    "git@git.example.net:",
                    access: GitAccess(sshKey: .file("/etc/watcher/key"), knownHosts: "/etc/watcher/hosts")),
                .init("https://github.com/", access: GitAccess()),
            ])
    }

    @Test(arguments: [
        ("{submodules: {nowhere: {}}}", "neither a URL"),
        ("{submodules: {\"https://a/b\": {token: x}}}", "unknown key"),
        ("{submodules: {\"https://a/b\": {password: x}}}", "secrets are never values"),
        ("{submodules: {\"https://u:secret@a/b\": {}}}", "secrets are never values"),
        ("{submodules: {\"https://a/b\": {}, \"https://a/b.git\": {}}}", "the same"),
        ("{submodules: 1}", "true or false"),
        ("{lfs: often}", "true or false"),
    ])
    func `what cannot be meant is refused`(git: String, said: String) throws {
        let error = #expect(throws: ConfigurationError.self) { try modules(git) }
        #expect(error?.description.contains(said) == true, "\(String(describing: error))")
        #expect(error?.description.contains("secret@") == false)
    }
}
