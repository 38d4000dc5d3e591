import Compose
import Deploy
import Foundation
import Glibc
import Reconcile
import Store
import Testing

/// What is on the disk, and what is refused.
@Suite struct StoreOpeningTests {
    let directory: TestDirectory

    init() throws { directory = try TestDirectory() }

    @Test func `directory and files are private, whatever was there before`() async throws {
        let nested = "\(directory.state)/deep/er"
        let store = try Store.open(directory: nested)
        try await store.save(.sample(1))
        for path in [directory.state, "\(directory.state)/deep", nested] {
            #expect(try directory.mode(path) == 0o700)
        }
        for suffix in ["", "-wal", "-shm"] { #expect(try directory.mode(store.path + suffix) == 0o600) }

        for suffix in ["", "-wal", "-shm"] { chmod(store.path + suffix, 0o644) }
        let again = try Store.open(directory: nested)
        for suffix in ["", "-wal", "-shm"] { #expect(try directory.mode(again.path + suffix) == 0o600) }
        // The first connection's locks survived the second opening.
        try await store.save(.sample(2))
        #expect(try await again.history().count == 2)
    }

    @Test func `a state directory that others can change is refused with the command that repairs it`() throws {
        try FileManager.default.createDirectory(atPath: directory.state, withIntermediateDirectories: false)
        chmod(directory.state, 0o777)
        let open = #expect(throws: StoreError.self) { try Store.open(directory: directory.state) }
        #expect(open?.reason == .permissions && open?.advice == "Run `chmod go-w \(directory.state)`.")
        chmod(directory.state, 0o700)
        chown(directory.state, 4711, 0)
        let others = #expect(throws: StoreError.self) { try Store.open(directory: directory.state) }
        #expect(others?.reason == .permissions)
        #expect(others?.advice.hasPrefix("Run `chown root \(directory.state)`") == true)
        #expect(throws: StoreError.self) { try RunLock.acquire(directory: directory.state, command: "deploy", now: 0) }
        #expect(try FileManager.default.contentsOfDirectory(atPath: directory.state).isEmpty)
        chown(directory.state, 0, 0)
        _ = try Store.open(directory: directory.state)
        chmod(directory.database, 0o666)
        #expect(throws: StoreError.self) { try Store.openExisting(directory: directory.state) }
    }

    @Test(arguments: ["watcher.db", "watcher.db-wal", "git", "projects"])
    func `a link in the state directory is refused`(name: String) throws {
        try FileManager.default.createDirectory(atPath: directory.state, withIntermediateDirectories: false)
        symlink("\(directory.path)/elsewhere", "\(directory.state)/\(name)")
        let error = #expect(throws: StoreError.self) { try Store.open(directory: directory.state) }
        #expect(error?.reason == .permissions)
        #expect(error?.message == "in the state directory, \(directory.state)/\(name) is a symbolic link")
        #expect(!FileManager.default.fileExists(atPath: "\(directory.path)/elsewhere"))
    }

    @Test func `a project's directory that is a link, or has links, is refused`() throws {
        let project = "\(directory.state)/projects/shop"
        try FileManager.default.createDirectory(atPath: project, withIntermediateDirectories: true)
        symlink("\(directory.path)/elsewhere", "\(project)/tree")
        let error = #expect(throws: StoreError.self) {
            try RunLock.acquire(directory: project, command: "deploy", now: 0)
        }
        #expect(error?.reason == .permissions)
    }

    @Test func `a directory that is there keeps its mode`() throws {
        try FileManager.default.createDirectory(
            atPath: directory.state, withIntermediateDirectories: false, attributes: [.posixPermissions: 0o750])
        _ = try Store.open(directory: directory.state)
        #expect(try directory.mode(directory.state) == 0o750)
    }

    @Test func `reading creates nothing`() throws {
        #expect(try Store.openExisting(directory: directory.state) == nil)
        #expect(!FileManager.default.fileExists(atPath: directory.state))
        try FileManager.default.createDirectory(atPath: directory.state, withIntermediateDirectories: false)
        #expect(try Store.openExisting(directory: directory.state) == nil)
        #expect(try FileManager.default.contentsOfDirectory(atPath: directory.state).isEmpty)
    }

    @Test func `the database uses write-ahead logging and plain columns`() async throws {
        let store = try Store.open(directory: directory.state)
        try await store.save(.full(1, .failed))
        #expect(try directory.sqlite3("PRAGMA journal_mode;") == "wal\n")
        #expect(try directory.sqlite3("PRAGMA integrity_check; PRAGMA foreign_key_check;") == "ok\n")
        let row = try directory.sqlite3(
            "SELECT project, number, kind, status, reason, attempts, \"commit\" ->> 'subject' = subject FROM deployments;"
        )
        #expect(row == "shop|1|rollback|failed|unhealthy|3|1\n")
        #expect(try directory.sqlite3("SELECT project_model ->> '$.services.web.name' FROM snapshots;") == "web\n")
    }

    @Test func `many may open a new database at once`() async throws {
        let state = directory.state
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 1...8 {
                group.addTask {
                    let store = try Store.open(directory: state)
                    try await store.save(.sample(1, project: "p\(number)"))
                }
            }
            try await group.waitForAll()
        }
        #expect(try await Store.open(directory: state).history().count == 8)
    }

    @Test func `writers wait for each other, and none finds the database locked`() async throws {
        let state = directory.state
        let first = try Store.open(directory: state)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 1...8 {
                group.addTask {
                    // Each with a connection of its own, as a process has.
                    for turn in 1...20 {
                        let store = try Store.open(directory: state)
                        try await store.suspend(
                            "project-\(number)", Suspension(reason: "\(turn)", since: turn, until: nil))
                        #expect(try await store.record(of: "project-\(number)").suspension?.reason == "\(turn)")
                    }
                }
            }
            try await group.waitForAll()
        }
        withExtendedLifetime(first) {}
    }

    @Test func `a database of schema v1 is read as it was written`() async throws {
        let fixture = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appendingPathComponent("Fixtures/v1.sql")
        try FileManager.default.createDirectory(atPath: directory.state, withIntermediateDirectories: false)
        try directory.sqlite3(try String(contentsOf: fixture, encoding: .utf8))
        let store = try #require(try Store.openExisting(directory: directory.state))
        let record = try await store.record(of: "shop")
        #expect(record.lastGood == .full(1, .succeeded))
        #expect(record.open == .full(2, .open))
        #expect(record.latest == .sample(3, .postponed, reason: .rateLimited))
        #expect(record.skipped == [.failure("a"), .manual("b")])
        #expect(record.suspension == Suspension(reason: "fair", since: 1, until: 2))
        let id = DeploymentID(project: "shop", number: 2)
        #expect(try await store.events(of: id) == [.sample(id, "created it's"), .sample(id, "done", service: nil)])
        // And it is written to as well.
        try await store.save(.sample(4))
        #expect(try await store.record(of: "shop").nextNumber == 5)
    }

    @Test(arguments: ["v1", "v4", "v5"])
    func `a database of an earlier schema gets that of a new one`(version: String) throws {
        let query = "SELECT sql || ';' FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY name;"
        _ = try Store.open(directory: directory.state)
        let new = try directory.sqlite3(query)
        let fixture = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appendingPathComponent("Fixtures/\(version).sql")
        try FileManager.default.removeItem(atPath: directory.state)
        try FileManager.default.createDirectory(atPath: directory.state, withIntermediateDirectories: false)
        try directory.sqlite3(try String(contentsOf: fixture, encoding: .utf8))
        _ = try Store.open(directory: directory.state)
        #expect(try directory.sqlite3(query) == new)
        #expect(new.contains("host_builds"))
        #expect(new.contains("image_digests"))
        #expect(new.contains("observed_tip"))
        #expect(new.contains("verified_commits"))
    }

    @Test func `a project that an earlier version recorded is read, what it did not know being empty`() async throws {
        let fixture = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appendingPathComponent("Fixtures/project-before-extensions.json")
        let store = try Store.open(directory: directory.state)
        try await store.save(.full(1, .succeeded))
        try directory.sqlite3("UPDATE snapshots SET project_model = CAST(readfile('\(fixture.path)') AS TEXT);")
        let project = try #require(try await store.record(of: "shop").lastGood?.snapshot?.project)
        let web = try #require(project.services["web"])
        #expect(project.services.keys.sorted() == ["db", "web"] && project.networks["front"]?.name == "rich_front")
        #expect(web.volumes.map(\.target) == ["/token", "/data", "/scratch"] && web.ports.map(\.target) == [8080])
        #expect(web.deploy?.resources.limits?.memory == 64 << 20 && web.deploy?.extensions == [:])
        #expect(web.healthcheck?.extensions == [:] && web.networks["front"]??.aliases == ["shop"])
    }

    @Test func `a database of a newer version is refused and left alone`() async throws {
        _ = try Store.open(directory: directory.state)
        try directory.sqlite3("INSERT INTO grdb_migrations VALUES ('v999');")
        for existing in [false, true] {
            let error = try await storeError {
                if existing {
                    _ = try Store.openExisting(directory: directory.state)
                } else {
                    _ = try Store.open(directory: directory.state)
                }
            }
            #expect(error.reason == .stateUnusable)
            #expect(error.message == "the database \(directory.database) was made by a newer version of watcher")
            #expect(!error.advice.isEmpty)
        }
        #expect(try directory.sqlite3("SELECT count(*) FROM grdb_migrations WHERE identifier = 'v999';") == "1\n")
    }

    @Test func `a file that is no database is refused and left alone`() async throws {
        try FileManager.default.createDirectory(atPath: directory.state, withIntermediateDirectories: false)
        let text = String(repeating: "not a database\n", count: 1000)
        try Data(text.utf8).write(to: URL(fileURLWithPath: directory.database))
        let error = try await storeError { _ = try Store.open(directory: directory.state) }
        #expect(error.reason == .stateUnusable)
        #expect(error.message.contains(directory.database))
        #expect(try String(contentsOfFile: directory.database, encoding: .utf8) == text)
    }

    @Test func `pages that are overwritten are an error, not a crash`() async throws {
        do {
            let store = try Store.open(directory: directory.state)
            for number in 1...20 { try await store.save(.full(number, .failed)) }
        }
        try directory.sqlite3("PRAGMA wal_checkpoint(TRUNCATE);")
        let file = try #require(FileHandle(forUpdatingAtPath: directory.database))
        let size = try file.seekToEnd()
        try file.seek(toOffset: 4096)
        try file.write(contentsOf: Data(repeating: 0xa5, count: Int(size) - 4096))
        try file.close()
        let error = try await storeError { _ = try await Store.open(directory: directory.state).history() }
        #expect(error.reason == .stateUnusable)
        #expect(error.message.contains(directory.database))
    }

    @Test func `an error about stored data names the place and not the value`() async throws {
        let store = try Store.open(directory: directory.state)
        try await store.save(.full(1, .succeeded))
        try directory.sqlite3(
            """
            UPDATE snapshots SET project_model = json_set(project_model, '$.services.web.command', 'hunter2');
            """)
        let json = try await storeError { _ = try await store.record(of: "shop") }
        #expect(json.reason == .stateUnusable)
        #expect(
            json.message == "the database \(store.path) is damaged: "
                + "deployment shop/1: `project_model.services.web.command` cannot be decoded")
        #expect(!json.description.contains("hunter2"))
        try directory.sqlite3("UPDATE deployments SET status = 'hunter2';")
        let column = try await storeError { _ = try await store.history() }
        #expect(column.message.contains("deployment shop/1: `status` cannot"))
        #expect(!column.description.contains("hunter2"))
    }

    @Test(arguments: ["services", "services.web.name", "workingDirectory", "networks.front.name"])
    func `a key without which the model means something else is missed`(key: String) async throws {
        let store = try Store.open(directory: directory.state)
        var deployment = Deployment.full(1, .succeeded)
        deployment.snapshot?.project.networks["front"] = Network(name: "shop_front")
        try await store.save(deployment)
        try directory.sqlite3("UPDATE snapshots SET project_model = json_remove(project_model, '$.\(key)');")
        let error = try await storeError { _ = try await store.record(of: "shop") }
        #expect(error.reason == .stateUnusable)
        #expect(
            error.message == "the database \(store.path) is damaged: "
                + "deployment shop/1: the key `project_model.\(key)` is missing")
    }

    @Test func `a database of schema v4 is read as it was written`() async throws {
        let fixture = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appendingPathComponent("Fixtures/v4.sql")
        try FileManager.default.createDirectory(atPath: directory.state, withIntermediateDirectories: false)
        try directory.sqlite3(try String(contentsOf: fixture, encoding: .utf8))
        let store = try #require(try Store.openExisting(directory: directory.state))
        var good = Deployment.full(1, .succeeded)
        good.snapshot?.hostBuild = BuildID(commit: Commit.sample("b").id, recipe: "0123456789abcdef")
        var failed = Deployment.full(2, .restoreFailed)
        failed.service = "web"
        failed.logLines = ["it's", "over"]
        let record = try await store.record(of: "shop")
        #expect(record.lastGood == good)
        #expect(record.deployed == good.commit)
        #expect(record.unresolved == failed)
        #expect(record.open == .full(3, .open))
        #expect(record.latest == .sample(4, .postponed, reason: .rateLimited))
        #expect(record.skipped == [.failure("a"), .manual("b")])
        #expect(record.observedTip == nil)
        #expect(try await store.projects() == [RecordedProject(name: "shop", composeProject: "shop")])
        #expect(try await store.unneededImages(of: "shop", keeping: 0) == ["sha256:1": "web:1"])
    }

    @Test func `a database of schema v5 is read as it was written, and no tip was accepted yet`() async throws {
        let fixture = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appendingPathComponent("Fixtures/v5.sql")
        try FileManager.default.createDirectory(atPath: directory.state, withIntermediateDirectories: false)
        try directory.sqlite3(try String(contentsOf: fixture, encoding: .utf8))
        let store = try #require(try Store.openExisting(directory: directory.state))
        let record = try await store.record(of: "shop")
        #expect(record.observedTip == ObservedTip(commit: .sample("c"), since: 1_700_000_000_009))
        #expect(record.followed == nil)
        #expect(record.lastGood?.signature == nil)
        let engine = "tcp://other:2376"
        #expect(try await store.projects() == [RecordedProject(name: "shop", composeProject: "shop", engine: engine)])
        let tip = FollowedTip(revision: "branch main", commit: Commit.sample("c").id)
        try await store.observed(.sample("c"), of: "shop", at: 5, accepted: tip)
        #expect(try await store.record(of: "shop").followed == tip)
        #expect(try await store.record(of: "shop").observedTip?.since == 1_700_000_000_009)
    }

    @Test func `a reason of another version is taken for an unexpected one`() async throws {
        let store = try Store.open(directory: directory.state)
        try await store.save(.sample(1, .failed, reason: .crashed))
        try directory.sqlite3("UPDATE deployments SET reason = 'struck-by-lightning';")
        #expect(try await store.history().first?.reason == .unexpected)
    }

    @Test(
        arguments: [
            ("/sys/kernel/watcher-state", "/sys/kernel/watcher-state"), ("/dev/null/state", "/dev/null"),
            ("/dev/null", "/dev/null"),
        ])
    func `a directory that cannot be made is an error that names the path`(path: String, named: String) async throws {
        let error = try await storeError { _ = try Store.open(directory: path) }
        #expect(error.reason == .stateUnusable)
        #expect(error.message.contains(named))
        #expect(!error.advice.isEmpty)
    }

    @Test func `a directory in the place of the database is an error that names it`() async throws {
        try FileManager.default.createDirectory(atPath: directory.database, withIntermediateDirectories: true)
        let error = try await storeError { _ = try Store.openExisting(directory: directory.state) }
        #expect(error.reason == .stateUnusable)
        #expect(error.message.contains(directory.database))
    }

    @Test func `a database that another process keeps locked is an error that passes`() async throws {
        let store = try Store.open(directory: directory.state)
        let holder = try HoldingProcess(
            ["sqlite3", "-bail", directory.database], input: "BEGIN IMMEDIATE; SELECT 'held';\n", says: "held")
        let error = try await storeError { try await store.save(.sample(1)) }
        #expect(error.reason == .locked)
        #expect(error.message.contains(directory.database))
        holder.end()
        try await store.save(.sample(1))
    }
}
