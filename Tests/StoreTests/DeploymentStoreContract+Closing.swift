import Deploy
import Reconcile
import Testing
import WatcherTestSupport

extension DeploymentStoreContract {
    @Suite struct ClosingContract {
        private let suspension = Suspension(reason: "held", since: 5, until: nil)

        @Test(arguments: StoreBackend.allCases)
        func `all of a closing is there when it returns`(backend: StoreBackend) async throws {
            let subject = try StoreSubject(backend)
            try await subject.store.close(Closing(.sample(1, .failed), skip: .failure("a")))
            let rollback = Deployment.full(2, .succeeded)
            try await subject.store.close(
                Closing(rollback, skip: .manual("c"), unskip: Commit.sample("a").id, suspension: suspension))
            let record = try await subject.reopened().record(of: "shop")
            #expect(record.lastGood == rollback)
            #expect(record.skipped == [.manual("c")])
            #expect(record.suspension == suspension)
        }

        @Test(arguments: StoreBackend.allCases, MemoryStore.ClosingStep.allCases)
        func `of a closing that fails in the middle nothing is there`(
            backend: StoreBackend, step: MemoryStore.ClosingStep
        ) async throws {
            let subject = try StoreSubject(backend)
            let open = Deployment.full(2, .open)
            try await subject.store.close(Closing(.sample(1), skip: .failure("a")))
            try await subject.store.open(open)
            try await subject.store.append([.sample(open.id, "one")], to: open.id)
            let before = try await subject.store.record(of: "shop")
            try subject.failClosing(at: step)
            let closing = Closing(
                .full(2, .succeeded), skip: .failure("c"), unskip: Commit.sample("a").id, suspension: suspension,
                replaces: open.id)
            await #expect(throws: (any Error).self) { try await subject.store.close(closing) }
            #expect(try await subject.reopened().record(of: "shop") == before)
            #expect(try await subject.events(of: open.id).map(\.line) == ["one"])
        }

        @Test(arguments: StoreBackend.allCases)
        func `each further failure of a commit is counted and explained anew`(backend: StoreBackend) async throws {
            let store = try StoreSubject(backend).store
            try await store.close(Closing(.sample(1, .failed), skip: .failure("a", since: 1)))
            var second = SkippedCommit.failure("a", since: 2, code: .crashed)
            second.reason = "web: crashed"
            second.subject = nil
            try await store.close(Closing(.sample(2, .failed), skip: second))
            second.failures = 2
            second.subject = "Raise the limit"
            #expect(try await store.record(of: "shop").skipped == [second])
        }

        @Test(arguments: StoreBackend.allCases)
        func `an entry made by hand counts no failure`(backend: StoreBackend) async throws {
            let store = try StoreSubject(backend).store
            try await store.close(Closing(.sample(1), skip: .failure("a")))
            try await store.close(Closing(.sample(2), skip: .manual("a", since: 2000)))
            var expected = SkippedCommit.manual("a", since: 2000)
            expected.failures = 1
            expected.subject = "Raise the limit"
            #expect(try await store.record(of: "shop").skipped == [expected])
        }

        @Test(arguments: StoreBackend.allCases)
        func `a commit that comes off the list and goes on it again starts anew`(backend: StoreBackend) async throws {
            let store = try StoreSubject(backend).store
            try await store.close(Closing(.sample(1), skip: .failure("a")))
            try await store.close(Closing(.sample(2), skip: .failure("a", since: 9), unskip: Commit.sample("a").id))
            #expect(try await store.record(of: "shop").skipped == [.failure("a", since: 9)])
        }

        @Test(arguments: StoreBackend.allCases)
        func `the skip list is shown newest first`(backend: StoreBackend) async throws {
            let store = try StoreSubject(backend).store
            for (number, digit) in zip(1..., "cab") {
                try await store.close(Closing(.sample(number), skip: .failure(digit, since: digit == "b" ? 9 : 1)))
            }
            #expect(
                try await store.record(of: "shop").skipped
                    == [.failure("b", since: 9), .failure("a", since: 1), .failure("c", since: 1)])
        }

        @Test(arguments: StoreBackend.allCases)
        func `a closing without a suspension leaves the one there is`(backend: StoreBackend) async throws {
            let store = try StoreSubject(backend).store
            try await store.close(Closing(.sample(1), suspension: suspension))
            try await store.close(Closing(.sample(2)))
            #expect(try await store.record(of: "shop").suspension == suspension)
            let other = Suspension(reason: "fair", since: 6, until: 7)
            try await store.close(Closing(.sample(3), suspension: other))
            #expect(try await store.record(of: "shop").suspension == other)
        }

        @Test(arguments: StoreBackend.allCases)
        func `a closing is about its own project only`(backend: StoreBackend) async throws {
            let store = try StoreSubject(backend).store
            try await store.close(Closing(.sample(1, project: "blog"), skip: .failure("a"), suspension: suspension))
            try await store.close(Closing(.sample(1), skip: .failure("a")))
            try await store.close(Closing(.sample(2), unskip: Commit.sample("a").id))
            let blog = try await store.record(of: "blog")
            #expect(blog.skipped == [.failure("a")] && blog.suspension == suspension && blog.nextNumber == 2)
            #expect(try await store.record(of: "shop").suspension == nil)
        }
    }
}
