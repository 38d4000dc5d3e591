import FoundationEssentials
import Reconcile
import Testing

@testable import DockerEngine

@Suite struct RegistryCredentialsTests {
    /// A directory of its own that goes away with the test.
    private final class Directory {
        let path = "/tmp/watcher-auth-\(UUID().uuidString)"

        init(config: String?, helpers: [String: String] = [:]) throws {
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
            if let config { try Data(config.utf8).write(to: URL(filePath: path + "/config.json")) }
            for (name, script) in helpers {
                let file = path + "/docker-credential-" + name
                try Data("#!/bin/sh\n\(script)\n".utf8).write(to: URL(filePath: file))
                try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: file)
            }
        }

        deinit { try? FileManager.default.removeItem(atPath: path) }
    }

    private func header(_ directory: Directory, _ registry: String, deadline: Duration = .seconds(300)) async throws
        -> String?
    {
        let credentials = RegistryCredentials(
            directory: directory.path, deadline: deadline, searchPath: directory.path + ":/usr/bin:/bin")
        guard let header = try await credentials.header(registry: registry) else { return nil }
        let standard = String(header.map { $0 == "-" ? "+" : $0 == "_" ? "/" : $0 })
        return String(decoding: try #require(Data(base64Encoded: standard)), as: UTF8.self)
    }

    @Test func `a login is found under the registry's name, also with scheme and path`() async throws {
        let auth = Data("me:se:cret?>".utf8).base64EncodedString()
        let directory = try Directory(
            config: """
                {"auths": {"https://r.example/v1/": {"auth": "\(auth)"}, "https://index.docker.io/v1/": {"identitytoken": "tok", "auth": "\(auth)"}}}
                """)
        #expect(
            try await header(directory, "r.example")
                == #"{"password":"se:cret?>","serveraddress":"r.example","username":"me"}"#)
        #expect(
            try await header(directory, "docker.io")
                == #"{"identitytoken":"tok","serveraddress":"https://index.docker.io/v1/"}"#)
        #expect(try await header(directory, "other.example") == nil)
    }

    @Test func `no file means no credentials`() async throws {
        #expect(try await header(try Directory(config: nil), "r.example") == nil)
        #expect(try await RegistryCredentials(directory: nil, deadline: .seconds(1)).header(registry: "r") == nil)
    }

    @Test func `a helper is asked for its registry, the store for the others`() async throws {
        let directory = try Directory(
            config: #"{"credsStore": "all", "credHelpers": {"r.example": "one"}}"#,
            helpers: [
                "one": #"read key; echo "{\"ServerURL\":\"$key\",\"Username\":\"u-$1\",\"Secret\":\"s\"}""#,
                "all":
                    #"read key; if [ "$key" = gone.example ]; then echo credentials not found in native keychain; exit 1; fi; echo '{"ServerURL":"x","Username":"<token>","Secret":"t"}'"#,
            ])
        #expect(
            try await header(directory, "r.example")
                == #"{"password":"s","serveraddress":"r.example","username":"u-get"}"#)
        #expect(try await header(directory, "x.example") == #"{"identitytoken":"t","serveraddress":"x.example"}"#)
        #expect(try await header(directory, "gone.example") == nil)
    }

    @Test(arguments: [
        ("broken", "exit 3"), ("silent", "echo nothing"), ("absent", nil), ("slow", "exec sleep 60"), ("../evil", nil),
    ])
    func `a helper that does not work is an error without its output`(_ name: String, _ script: String?) async throws {
        let directory = try Directory(
            config: #"{"credsStore": "\#(name)"}"#, helpers: script.map { [name: $0] } ?? [:])
        let error = try await #require(throws: EngineError.self) {
            _ = try await header(directory, "r.example", deadline: .seconds(3))
        }
        #expect(error.reason == .registryAuthenticationFailed)
        #expect(error.message.contains("docker-credential-\(name)") && !error.message.contains("nothing"))
    }

    @Test func `a damaged file is named and not quoted`() async throws {
        let directory = try Directory(config: #"{"auths": {"r": {"auth": "c2VjcmV0", "#)
        let error = try await #require(throws: EngineError.self) { _ = try await header(directory, "r") }
        #expect(error.reason == .invalidConfiguration)
        #expect(error.message.contains(directory.path) && !error.message.contains("c2VjcmV0"))
    }

    @Test func `proxies are given in both spellings`() throws {
        let directory = try Directory(
            config: #"{"proxies": {"default": {"httpProxy": "http://p:1", "noProxy": "a,b"}}}"#)
        let credentials = RegistryCredentials(directory: directory.path, deadline: .seconds(1))
        #expect(
            try credentials.proxyVariables(host: "unix:///x") == [
                "HTTP_PROXY": "http://p:1", "http_proxy": "http://p:1", "NO_PROXY": "a,b", "no_proxy": "a,b",
            ])
    }

    @Test func `the directory follows the environment`() {
        #expect(RegistryCredentials.directory(environment: ["DOCKER_CONFIG": "/c", "HOME": "/h"]) == "/c")
        #expect(RegistryCredentials.directory(environment: ["HOME": "/h"]) == "/h/.docker")
        #expect(RegistryCredentials.directory(environment: [:]) == nil)
    }
}
