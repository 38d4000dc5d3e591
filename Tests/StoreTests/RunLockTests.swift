import Foundation
import Glibc
import Reconcile
import Store
import Testing

@Suite struct RunLockTests {
    let directory: TestDirectory
    /// The project's directory, which is not there yet.
    let project: String
    let file: String

    init() throws {
        directory = try TestDirectory()
        project = "\(directory.state)/projects/shop"
        file = "\(project)/lock"
    }

    private func acquire(_ command: String = "deploy shop") throws -> RunLock {
        try RunLock.acquire(directory: project, command: command, now: 1_700_000_000_000)
    }

    /// Whether another process gets the lock.
    private func isFree() throws -> Bool { try Finished.run(["flock", "--nonblock", file, "true"]).status == 0 }

    @Test func `the lock keeps other processes out until it is released`() throws {
        let lock = try acquire()
        #expect(try !isFree())
        lock.release()
        #expect(try isFree())
        lock.release()
        try acquire().release()
    }

    @Test func `a lock that is forgotten is released`() throws {
        do { _ = try acquire() }
        #expect(try isFree())
    }

    @Test func `directory and file are private and the file names the holder`() throws {
        let lock = try acquire()
        defer { lock.release() }
        #expect(try directory.mode(project) == 0o700)
        #expect(try directory.mode(file) == 0o600)
        let content = try String(contentsOfFile: file, encoding: .utf8)
        #expect(content == #"{"command":"deploy shop","pid":\#(getpid()),"since":1700000000000}"# + "\n")
    }

    @Test func `who holds the lock is seen without taking it, and what a killed run wrote is not believed`() throws {
        #expect(RunLock.holder(directory: project) == nil)
        let lock = try acquire()
        let holder = RunLock.Holder(pid: getpid(), command: "deploy shop", since: 1_700_000_000_000)
        #expect(RunLock.holder(directory: project) == holder)
        let left = try String(contentsOfFile: file, encoding: .utf8)
        lock.release()
        #expect(RunLock.holder(directory: project) == nil)
        try left.write(toFile: file, atomically: false, encoding: .utf8)
        #expect(RunLock.holder(directory: project) == nil)
        try acquire().release()
    }

    @Test func `whoever is refused learns who holds the lock, what runs there and since when`() async throws {
        let lock = try acquire()
        defer { lock.release() }
        let error = try await storeError { _ = try acquire("rollback shop") }
        #expect(error.reason == .locked)
        #expect(
            error.message
                == "`deploy shop` (process \(getpid())) has held the lock of shop since 2023-11-14T22:13:20Z (\(file))")
        #expect(!error.advice.isEmpty)
    }

    @Test func `another process keeps this one out`() async throws {
        try acquire().release()
        let holder = try HoldingProcess(["flock", file, "sh", "-c", "echo held; cat"], says: "held")
        let error = try await storeError { _ = try acquire() }
        #expect(error.reason == .locked)
        #expect(error.message == "another run holds the lock of shop (\(file))")
        holder.end()
        try acquire().release()
    }

    @Test(arguments: ["", "garbage", #"{"pid":1,"command":"a\u001b[31mb","since":0}"#])
    func `what an earlier holder left does no harm`(content: String) async throws {
        try acquire().release()
        try Data(content.utf8).write(to: URL(fileURLWithPath: file))
        let holder = try HoldingProcess(["flock", file, "sh", "-c", "echo held; cat"], says: "held")
        let error = try await storeError { _ = try acquire() }
        #expect(error.reason == .locked)
        #expect(!error.message.contains("\u{1b}"))
        holder.end()
        let lock = try acquire()
        #expect(try String(contentsOfFile: file, encoding: .utf8).contains("deploy shop"))
        lock.release()
    }

    @Test func `child processes do not inherit the lock`() throws {
        let lock = try acquire()
        defer { lock.release() }
        // popen closes nothing by itself, unlike Foundation's Process.
        let pipe = try #require(popen("readlink /proc/self/fd/* /proc/$$/fd/*", "r"))
        defer { pclose(pipe) }
        var output: [UInt8] = []
        while case let byte = getc(pipe), byte != EOF { output.append(UInt8(truncatingIfNeeded: byte)) }
        let files = String(decoding: output, as: UTF8.self)
        #expect(files.contains("pipe:"))
        #expect(!files.contains(file))
    }

    @Test func `a directory that cannot be made is an error that names it`() async throws {
        let error = try await storeError {
            _ = try RunLock.acquire(directory: "/dev/null/shop", command: "deploy", now: 0)
        }
        #expect(error.reason == .stateUnusable)
        #expect(error.message.contains("/dev/null"))
    }
}
