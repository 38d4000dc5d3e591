import ArgumentParser
import Deploy
import Foundation
import Git
import Reconcile
import Testing

@testable import watcher

/// What the configuration file means, and everything that can be wrong with it.
@Suite struct ConfigurationTests {
    let home = ["HOME": "/home/ada"]

    func read(_ text: String, environment: [String: String]? = nil, file: String = "/etc/watcher/config.yaml")
        throws -> Configuration
    {
        try ConfigurationReader(file: file, environment: environment ?? home).read(Array(text.utf8))
    }

    /// The problems of a whole file, one a line, without the file's name.
    func problems(_ text: String, environment: [String: String]? = nil) -> String {
        do {
            _ = try read(text, environment: environment)
            return "none"
        } catch let error as ConfigurationError {
            return error.description.replacing("/etc/watcher/config.yaml:", with: "")
        } catch {
            return "\(error)"
        }
    }

    /// The problems of one project's further keys; the first of them stands in line 4, column 5.
    func problems(with keys: String..., environment: [String: String]? = nil) -> String {
        let lines = keys.map { "    \($0)\n" }.joined()
        return problems("projects:\n  shop:\n    repository: file:///srv/infra.git\n" + lines, environment: environment)
            .replacing("projects.shop.", with: "")
    }

    /// A directory for one test, removed after it.
    func withDirectory(_ body: (String) throws -> Void) throws {
        let directory = NSTemporaryDirectory() + "watcher-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: directory) }
        try body(directory)
    }

    func write(_ path: String, mode: Int) throws {
        try Data("secret".utf8).write(to: URL(filePath: path))
        try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: path)
    }

    // MARK: - What it means

    @Test func `limits of all projects hold for each that has none of its own`() throws {
        let projects = try read(
            """
            deadline: 10m
            memory: 1g
            projects:
              shop: {repository: 'file:///srv/infra.git'}
              blog: {repository: 'file:///srv/infra.git', project_name: b, deadline: 90s, memory: 512m}
            """
        ).projects
        #expect(projects.map(\.limits.deadline) == [.seconds(600), .seconds(90)])
        #expect(projects.map(\.limits.memory) == [1 << 30, 512 << 20])
        #expect(projects.map(\.limits.grace) == [.seconds(600), .seconds(90)])
        // Both together end before systemd ends the service.
        #expect(RunLimits().deadline + RunLimits().grace < .seconds(3600))
        #expect(
            problems(with: "deadline: 0s", "memory: 10m") == """
                4:15: deadline: expected a duration such as 90s, 5m or 1h30m, found "0s"
                5:13: memory: expected a size of at least 256m, such as 512m or 2g
                """)
    }

    @Test func `only the repository is required`() throws {
        let project = try #require(
            try read("projects: {shop: {repository: 'file:///srv/infra.git'}}").projects.first)
        #expect(project.settings.name == "shop")
        #expect(project.settings.composeName(recorded: nil) == "shop")
        #expect(project.settings.directory == ".")
        #expect(project.settings.files.isEmpty && project.settings.profiles.isEmpty)
        #expect(project.settings.settle == .seconds(3))
        #expect(project.settings.healthTimeout == nil && project.settings.retryAfter == nil)
        #expect(project.settings.prunesOrphans && !project.settings.allowsRewrite && !project.settings.prunesImages)
        #expect(project.settings.home == "/home/ada")
        #expect(project.revision == .branch("main"))
        #expect(project.access == GitAccess())
        #expect(project.engine == EngineConfiguration(host: "unix:///var/run/docker.sock"))
    }

    @Test func `every key arrives where it belongs`() throws {
        try withDirectory { directory in
            try write("\(directory)/key", mode: 0o600)
            let text = """
                projects:
                  shop:
                    repository: git@git.example.com:acme/infra.git
                    branch: stable
                    directory: ./stacks/shop/
                    files: [compose.yaml, compose.prod.yaml]
                    project_name: shop_1
                    profiles: prod
                    env_files: [shop.env, /etc/shop.env, ~/shop.env]
                    environment: {TAG: "1.4", COUNT: 3, DEBUG: true}
                    git: {ssh_key: key, known_hosts: hosts, username: deploy, allow_rewrite: true}
                    engine: {host: tcp://engine:2376, tls: {ca: ca.pem, cert: cert.pem, key: {file: key}}}
                    health: {timeout: 5m, settle: 0s}
                    retry: {after: 1h, attempts: 2}
                    prune: {orphans: false, images: true}
                """
            let project = try #require(try read(text, file: "\(directory)/config.yaml").projects.first)
            let settings = project.settings
            #expect(project.revision == .branch("stable"))
            #expect(settings.directory == "stacks/shop")
            #expect(settings.files == ["compose.yaml", "compose.prod.yaml"])
            #expect(settings.configuredProjectName == "shop_1")
            #expect(settings.profiles == ["prod"])
            #expect(settings.envFiles == ["\(directory)/shop.env", "/etc/shop.env", "/home/ada/shop.env"])
            #expect(settings.environment == ["TAG": "1.4", "COUNT": "3", "DEBUG": "true"])
            #expect(project.access.sshKey == .file("\(directory)/key"))
            #expect(project.access.knownHosts == "\(directory)/hosts")
            #expect(project.access.username == "deploy")
            #expect(settings.allowsRewrite && !settings.prunesOrphans && settings.prunesImages)
            #expect(
                project.engine
                    == EngineConfiguration(
                        host: "tcp://engine:2376", usesTLS: true, certificateAuthority: "\(directory)/ca.pem",
                        certificate: "\(directory)/cert.pem", key: .file("\(directory)/key")))
            #expect(settings.healthTimeout == .seconds(300) && settings.settle == .zero)
            #expect(settings.retryAfter == .seconds(3600) && settings.retryAttempts == 2)
        }
    }

    @Test func `a tag or a commit stands for the branch`() throws {
        let id = String(repeating: "3f", count: 20)
        let text = "projects: {a: {repository: /srv/a, tag: 'v*'}, b: {repository: /srv/b, commit: \(id)}}"
        #expect(try read(text).projects.map(\.revision) == [.tag(pattern: "v*"), .commit(id)])
    }

    @Test func `the engine is DOCKER_HOST when nothing else is said`() throws {
        let text = "projects: {a: {repository: /srv/a}, b: {repository: /srv/b, engine: {host: 'unix:///run/b'}}}"
        let hosts = try read(text, environment: ["DOCKER_HOST": "unix:///run/user/docker"]).projects.map(\.engine.host)
        #expect(hosts == ["unix:///run/user/docker", "unix:///run/b"])
    }

    @Test func `projects are selected in the given order, each once`() throws {
        let configuration = try read("projects: {shop: {repository: /srv/a}, blog: {repository: /srv/b}}")
        #expect(try configuration.selected([]).map(\.settings.name) == ["shop", "blog"])
        #expect(try configuration.selected(["blog", "shop", "blog"]).map(\.settings.name) == ["blog", "shop"])
        let error = #expect(throws: ConfigurationError.self) { try configuration.selected(["shpo"]) }
        #expect(
            error?.description == "no project \"shpo\" in /etc/watcher/config.yaml; did you mean \"shop\"?")
        #expect(error?.advice == "It has: shop, blog.")
    }

    // MARK: - What can be wrong

    @Test func `an unknown key is told with its place and the nearest key`() {
        #expect(problems("project: {}\n").hasPrefix("1:1: unknown key \"project\"; did you mean \"projects\"?"))
        #expect(problems(with: "brnch: main") == "4:5: projects.shop: unknown key \"brnch\"; did you mean \"branch\"?")
        #expect(problems(with: "zzzzzz: 1") == "4:5: projects.shop: unknown key \"zzzzzz\"")
        #expect(problems(with: "git: {ssh_kye: k}") == "4:11: git: unknown key \"ssh_kye\"; did you mean \"ssh_key\"?")
        #expect(
            problems(with: "engine: {host: 'tcp://h', tls: {cacert: k}}").hasPrefix(
                "4:37: engine.tls: unknown key \"cacert\""))
        #expect(problems(with: "health: {time: 5m}").hasPrefix("4:14: health: unknown key \"time\""))
    }

    @Test func `commands are lists, shell texts, or say more`() throws {
        let text = """
            projects:
              shop:
                repository: /srv/a
                build:
                  commands: [[go, build], {shell: "make | tee log", timeout: 5s}, {command: [a, 1], directory: sub}]
                  environment: {CGO_ENABLED: 0}
                  user: builder
                hooks: {pre_deploy: [backup, shop], post_deploy: [[a], {shell: b}], on_failure: {shell: "c"}}
            """
        let settings = try #require(try read(text).projects.first).settings
        let build = try #require(settings.build)
        #expect(
            build.commands.map(\.arguments) == [["go", "build"], ["/bin/sh", "-ec", "make | tee log"], ["a", "1"]])
        #expect(build.commands.map(\.timeout) == [.seconds(900), .seconds(5), .seconds(900)])
        #expect(build.commands.map(\.directory) == [".", ".", "sub"])
        #expect(build.commands.allSatisfy { $0.environment == ["CGO_ENABLED": "0"] && $0.user == "builder" })
        #expect(settings.hooks.preDeploy.map(\.title) == ["backup shop"])
        #expect(settings.hooks.postDeploy.map(\.title) == ["a", "b"])
        #expect(settings.hooks.onFailure.map(\.title) == ["c"])
    }

    @Test(arguments: [
        ("build: []", "4:12: build: expected a list of commands, each a list of strings or {shell: …}"),
        ("build: [go, build]", "4:13: build[0]: expected a list of strings; write {shell: …} for a command that"),
        ("build: {user: a}", "4:12: build: commands is missing"),
        ("build: [{shell: a, command: [b]}]", "4:13: build[0]: expected either command or shell"),
        ("build: {commands: [[a]], directory: ../b}", "4:41: build.directory: must be a path inside the checkout"),
        ("hooks: {pre_deploy: {shell: a, directory: b}}", "4:47: hooks.pre_deploy.directory: must be an absolute path"),
        ("hooks: {predeploy: [a]}", "4:13: hooks: unknown key \"predeploy\"; did you mean \"pre_deploy\"?"),
        ("run: {}", "4:10: run: image is missing"),
        ("run: {image: a, mount: src}", "4:28: run.mount: expected an absolute path"),
        ("run: {image: a, env_file: b}", "4:21: run.env_file: write env_files"),
        ("run: {image: a, build: b}", "4:21: run.build: it runs an image; what is built for it is the project's build"),
    ])
    func `a command or a service that cannot be read is told with its place`(line: String, problem: String) {
        #expect(problems(with: line).hasPrefix(problem), "\(problems(with: line))")
    }

    @Test func `files and run exclude each other`() {
        #expect(
            problems(with: "files: [a]", "run: {image: b}") == "4:12: projects.shop: files and run exclude each other")
    }

    @Test(arguments: ["notify: []"])
    func `a key of a later version is refused, not ignored`(line: String) {
        let key = line.prefix { $0 != ":" }
        #expect(problems(with: line) == "4:5: \(key): not supported by this version of watcher")
    }

    @Test func `who has to sign is read, and it is said when that would be nobody`() throws {
        let text = """
            projects:
              a: {repository: /srv/a, git: {verify: {allowed_signers: signers, revoked_keys: /etc/revoked}}}
              b: {repository: /srv/b, git: {verify: {gpg_keyring: /etc/keyring.gpg, mode: every}}}
              c: {repository: /srv/c, git: {}}
            """
        #expect(
            try read(text, file: "/etc/watcher/config.yaml").projects.map(\.settings.verification) == [
                VerificationSettings(allowedSigners: "/etc/watcher/signers", revokedKeys: "/etc/revoked"),
                VerificationSettings(gpgKeyring: "/etc/keyring.gpg", mode: .every), nil,
            ])
        for (line, key) in [
            ("git: {verify: }", "git.verify"), ("git: {known_hosts: ''}", "git.known_hosts"),
            ("engine: {host: 'tcp://h:1', tls: }", "engine.tls"), ("build: {commands: [[a]], user: }", "build.user"),
        ] {
            let found = problems(with: line)
            #expect(found.contains("\(key): has no value") && !found.contains("\n"), "\(line): \(found)")
        }
        #expect(
            problems(with: "git: {verify: {}}")
                == "4:19: git.verify: nobody is trusted: it needs allowed_signers, gpg_keyring, or both")
        #expect(
            problems(with: "git: {verify: {gpg_keyring: a, revoked_keys: b, mode: all}}").split(separator: "\n") == [
                "4:50: git.verify.revoked_keys: is about SSH keys, and needs allowed_signers",
                "4:59: git.verify.mode: expected tip or every, found \"all\"",
            ])
        #expect(problems(with: "git: {verify: {alowed_signers: a}}").contains("did you mean \"allowed_signers\"?"))
    }

    @Test func `all problems are told at once, in the order of the file`() {
        let text = """
            projects:
              shop:
                repositry: file:///srv/infra.git
                engine: {host: foo}
                health: {timeout: 5x, settle: 3}
                directory: ../secrets
              Bad_: {}
              blog: 5
            """
        #expect(
            problems(text) == """
                3:5: projects.shop: unknown key "repositry"; did you mean "repository"?
                3:5: projects.shop: repository is missing
                4:20: projects.shop.engine.host: cannot use the engine at foo: it has no scheme
                5:23: projects.shop.health.timeout: expected a duration such as 90s, 5m or 1h30m, found "5x"
                5:35: projects.shop.health.settle: expected a duration such as 90s, 5m or 1h30m, found the number 3
                6:16: projects.shop.directory: must be a path inside the repository
                7:3: projects.Bad_: a project's name has lower-case letters, digits, - and _ only, and begins with a \
                letter or digit
                8:9: projects.blog: expected a mapping, found the number 5
                """
        )
    }

    @Test(arguments: ["Shop", "-shop", "_shop", "sh.op", "sh op", "shöp", "'../x'", "''"])
    func `a project's name is one for directories, labels and Compose`(name: String) {
        #expect(problems("projects: {\(name): {repository: /srv/a}}").hasPrefix("1:12: projects."))
    }

    @Test func `wrong kinds are told`() {
        #expect(problems("") == "expected one YAML document, found nothing" || problems("").contains("found nothing"))
        #expect(problems("[]\n") == "1:1: expected a mapping, found a list")
        #expect(problems("projects: []\n") == "1:1: projects: expected a mapping of project names")
        #expect(problems("projects: {}\n") == "1:1: projects: there is none")
        #expect(problems(with: "files: {a: b}") == "4:12: files: expected a list of strings, found a mapping")
        #expect(problems(with: "files: [[a]]") == "4:13: files[0]: expected a string, found a list")
        #expect(problems(with: "environment: [A=b]") == "4:18: environment: expected a mapping, found a list")
        #expect(problems(with: "environment: {A: [1]}") == "4:22: environment.A: expected a string, found a list")
        #expect(problems(with: "git: {allow_rewrite: sometimes}").hasPrefix("4:26: git.allow_rewrite: expected true"))
        #expect(problems(with: "retry: {after: 1h, attempts: 0}").hasPrefix("4:34: retry.attempts: expected a whole"))
        #expect(problems(with: "retry: {after: 0s}").hasPrefix("4:20: retry.after: expected a duration"))
        #expect(problems(with: "retry: {attempts: 2}").hasPrefix("4:12: retry: after is missing"))
        #expect(problems(with: "branch: ''") == "4:13: branch: is empty")
        #expect(problems(with: "commit: 3f2a1c9").hasPrefix("4:13: commit: expected a full commit id"))
        #expect(problems(with: "project_name: Shop").hasPrefix("4:19: project_name: must be lower-case"))
    }

    @Test func `a version that YAML takes for a number is refused before it loses digits`() {
        #expect(
            problems(with: "environment: {TAG: 1.10}")
                == "4:24: environment.TAG: a number with a point must be written in quotes")
    }

    @Test func `branch, tag and commit exclude each other`() {
        #expect(
            problems(with: "branch: main", "tag: 'v*'")
                == "3:5: projects.shop: branch, tag and commit exclude each other"
        )
    }

    @Test(arguments: ["..", "a/../..", "/etc", "./.."])
    func `the directory stays inside of the repository`(directory: String) {
        #expect(problems(with: "directory: \(directory)") == "4:16: directory: must be a path inside the repository")
    }

    @Test(arguments: ["ftp://host/x", "'-oProxyCommand=x:y'", "https://"])
    func `an address that is none is told with its place`(address: String) {
        #expect(
            problems("projects:\n  shop:\n    repository: \(address)\n").hasPrefix("3:17: projects.shop.repository: "))
    }

    @Test func `a YAML error has its place`() {
        #expect(problems("projects:\n  shop: [\n").hasPrefix("3:1: "))
        #expect(problems("projects:\n  a: {}\n  a: {}\n").hasPrefix("3:3: key \"a\" is already defined"))
    }

    // MARK: - Secrets

    @Test func `a password is never a value`() {
        #expect(
            problems(with: "git: {password: hunter2}")
                == "4:21: git.password: secrets are never values here; write {file: PATH} or {credential: NAME}")
        #expect(!problems(with: "git: {password: hunter2}").contains("hunter2"))
    }

    @Test func `reading the configuration looks up no secret`() throws {
        try withDirectory { directory in
            try write("\(directory)/open", mode: 0o644)
            for path in ["\(directory)/open", "/", "/nonexistent/key"] {
                #expect(problems(with: "git: {ssh_key: \(path)}") == "none")
            }
        }
        let text = "projects: {shop: {repository: /srv/a, git: {password: {credential: token}}}}"
        #expect(try read(text).projects.first?.access.password == .credential("token"))
    }

    @Test func `a secret is a file or a credential, whose name has no slash`() throws {
        for value in ["{}", "{file: /a, credential: b}"] {
            #expect(
                problems(with: "git: {password: \(value)}")
                    == "4:21: git.password: expected either file or credential")
        }
        for name in ["../x", "a/b", "..", "''"] {
            #expect(
                problems(with: "git: {password: {credential: \(name)}}")
                    == "4:34: git.password.credential: \"\(name == "''" ? "" : name)\" is not the name of a credential: it "
                    + "has no slash")
        }
    }

    @Test func `a secret of the engine is looked up when the engine is used`() throws {
        try withDirectory { directory in
            try write("\(directory)/open", mode: 0o644)
            let wiring = Wiring(try GlobalOptions.parse([]))
            func use(_ host: String, _ change: (inout EngineConfiguration) -> Void) throws {
                var engine = EngineConfiguration(host: host)
                change(&engine)
                _ = try wiring.engine(engine)
            }
            let tls = #expect(throws: GitError.self) {
                try use("tcp://engine:2376") {
                    $0.usesTLS = true
                    $0.certificate = "cert.pem"
                    $0.key = .credential("engine-key")
                }
            }
            #expect(tls?.message.hasPrefix("engine.tls.key: only systemd provides") == true)
            let ssh = #expect(throws: GitError.self) {
                try use("ssh://host") { $0.sshKey = .file("\(directory)/open") }
            }
            #expect(ErrorReport(try #require(ssh)).status == .refused)
        }
    }

    // MARK: - Names

    @Test func `two projects of one name on one engine are refused, with both places`() {
        let two = """
            projects:
              shop: {repository: /srv/a}
              other:
                repository: /srv/b
                project_name: shop
            """
        #expect(
            problems(two)
                == "5:19: projects.other: the Compose project name \"shop\" is that of projects.shop "
                + "(2:3) too, on the same engine; give one of them another project_name")
        let engines = ["unix:///var/run/docker.sock": "unix:///run/docker.sock", "tcp://a:2375": "tcp://a:2375/"]
        for (one, same) in engines {
            let text = """
                projects:
                  a: {repository: /srv/a, project_name: x, engine: {host: '\(one)'}}
                  b: {repository: /srv/b, project_name: x, engine: {host: '\(same)'}}
                """
            #expect(problems(text).contains("is that of projects.a"))
            #expect(problems(text.replacing("'\(same)'", with: "'tcp://elsewhere:2375'")) == "none")
        }
    }

    // MARK: - The file

    @Test func `a file that is not there says how to begin`() throws {
        try withDirectory { directory in
            let reader = ConfigurationReader(file: "\(directory)/config.yaml", environment: home)
            let missing = #expect(throws: ConfigurationError.self) { try reader.read() }
            #expect(missing?.description == "there is no configuration at \(directory)/config.yaml")
            #expect(missing?.advice.contains("watcher init") == true)
            let folder = #expect(throws: ConfigurationError.self) {
                try ConfigurationReader(file: directory, environment: home).read()
            }
            #expect(folder?.description.contains("is not a file") == true)
        }
    }

    @Test func `the example loads as it is written`() throws {
        let configuration = try read(ExampleConfiguration.text)
        #expect(configuration.projects.map(\.settings.name) == ["shop"])
        #expect(configuration.projects.first?.revision == .branch("main"))
    }

    @Test func `the example loads with every key in use`() throws {
        try withDirectory { directory in
            let text = ExampleConfiguration.text.replacing(#/#(?=[a-z])/#, with: "")
                .replacing("/etc/watcher/", with: "\(directory)/")
                // Only one of the two can be said.
                .replacing("files: [compose.yaml, compose.prod.yaml]", with: "")
                // TLS is for engines behind TCP.
                .replacing("unix:///var/run/docker.sock", with: "tcp://engine:2376")
            let project = try #require(
                try read(text, environment: ["CREDENTIALS_DIRECTORY": directory], file: "\(directory)/config.yaml")
                    .projects.first)
            #expect(project.settings.directory == "stacks/shop")
            #expect(project.settings.environment == ["TAG": "1.4"])
            #expect(project.access.password == .credential("git-token"))
            #expect(project.settings.healthTimeout == .seconds(300))
            #expect(project.settings.retryAfter == .seconds(3600))
            #expect(project.engine.key == .file("\(directory)/key.pem"))
        }
    }
}
