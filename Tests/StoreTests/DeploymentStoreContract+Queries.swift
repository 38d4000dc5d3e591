import Compose
import Deploy
import Reconcile
import Testing
import WatcherTestSupport

extension DeploymentStoreContract {
    /// Which deployment is found, and which commit counts as deployed.
    @Suite struct QueryContract {
        /// A deployment with a snapshot.
        private func sample(
            _ number: Int, _ digit: Character, _ status: Deployment.Status = .succeeded, build: String? = nil
        ) -> Deployment {
            var deployment = Deployment.sample(number, status, commit: .sample(digit))
            deployment.snapshot = .sample()
            deployment.snapshot?.hostBuild = build.map { BuildID(commit: deployment.commit.id, recipe: $0) }
            return deployment
        }

        @Test(arguments: StoreBackend.allCases)
        func `the newest good deployment is found by what the query excludes`(backend: StoreBackend) async throws {
            let store = try StoreSubject(backend).store
            for deployment in [sample(1, "a"), sample(2, "b"), sample(3, "c"), sample(4, "c"), sample(5, "d", .failed)]
            {
                try await store.save(deployment)
            }
            try await store.close(Closing(sample(6, "b", .restored), skip: .failure("b")))
            func found(_ change: (inout GoodDeploymentQuery) -> Void) async throws -> Int? {
                var query = GoodDeploymentQuery(project: "shop")
                change(&query)
                return try await store.newestGood(query)?.id.number
            }
            #expect(try await store.newestGood(GoodDeploymentQuery(project: "shop")) == sample(4, "c"))
            #expect(try await found { $0.before = 4 } == 3)
            #expect(try await found { $0.before = 1 } == nil)
            #expect(try await found { $0.excludingCommit = Commit.sample("c").id } == 2)
            #expect(try await found { $0.commitPrefix = "BBBB" } == 2)
            #expect(try await found { $0.commitPrefix = "dddd" } == nil)
            #expect(try await found { $0.commitPrefix = "b%" } == nil)
            #expect(try await found { $0.excludesSkipped = true } == 4)
            #expect(
                try await found {
                    $0.before = 4
                    $0.excludingCommit = Commit.sample("c").id
                    $0.excludesSkipped = true
                } == 1)
            #expect(
                try await found {
                    $0.commitPrefix = "b"
                    $0.excludesSkipped = true
                } == nil)
            #expect(try await found { $0.project = "other" } == nil)
        }

        @Test(arguments: StoreBackend.allCases)
        func `the skip list of another project excludes nothing`(backend: StoreBackend) async throws {
            let store = try StoreSubject(backend).store
            try await store.save(sample(1, "a"))
            try await store.close(Closing(.sample(1, project: "blog"), skip: .failure("a")))
            let query = GoodDeploymentQuery(project: "shop", excludesSkipped: true)
            #expect(try await store.newestGood(query)?.id.number == 1)
        }

        @Test(arguments: StoreBackend.allCases)
        func `builds of the newest good deployments are needed`(backend: StoreBackend) async throws {
            let store = try StoreSubject(backend).store
            let recipe = String(repeating: "0", count: 16)
            for (number, digit) in zip(1..., "abc") { try await store.save(sample(number, digit, build: recipe)) }
            try await store.save(sample(4, "d", .failed, build: recipe))
            try await store.save(sample(5, "e"))
            func build(_ digit: Character) -> BuildID { BuildID(commit: Commit.sample(digit).id, recipe: recipe) }
            #expect(try await store.hostBuilds(of: "shop", newest: 3) == [build("c"), build("b")])
            #expect(try await store.hostBuilds(of: "shop", newest: 1).isEmpty)
            #expect(try await store.hostBuilds(of: "shop", newest: 0).isEmpty)
            #expect(try await store.hostBuilds(of: "shop", newest: 9) == [build("a"), build("b"), build("c")])
        }

        @Test(arguments: StoreBackend.allCases)
        func `the deployed commit is that of the last good deployment until it is moved`(
            backend: StoreBackend
        ) async throws {
            let subject = try StoreSubject(backend)
            let store = subject.store
            func deployed() async throws -> Commit? { try await subject.reopened().record(of: "shop").deployed }
            #expect(try await deployed() == nil)
            try await store.save(sample(1, "a"))
            #expect(try await deployed() == .sample("a"))
            try await store.advance("shop", to: .sample("b"))
            #expect(try await deployed() == .sample("b"))
            #expect(try await store.record(of: "shop").nextNumber == 2)
            #expect(try await store.record(of: "shop").lastGood == sample(1, "a"))
            // Neither a failure nor a note about the same deployment moves it back.
            try await store.save(sample(2, "c", .open))
            try await store.save(sample(2, "c", .restored))
            try await store.noteCompleted(["web"], of: DeploymentID(project: "shop", number: 1))
            #expect(try await deployed() == .sample("b"))
            try await store.advance("shop", to: .sample("d"))
            #expect(try await deployed() == .sample("d"))
            // A rollback to the first commit does.
            try await store.save(sample(3, "a"))
            #expect(try await deployed() == .sample("a"))
            #expect(try await store.record(of: "other").deployed == nil)
        }

        @Test(arguments: StoreBackend.allCases)
        func `the deployed commit can be known without a deployment`(backend: StoreBackend) async throws {
            let store = try StoreSubject(backend).store
            try await store.advance("shop", to: .sample("a"))
            try await store.save(.sample(1, .failed))
            #expect(try await store.record(of: "shop").deployed == .sample("a"))
            try await store.save(sample(2, "b"))
            #expect(try await store.record(of: "shop").deployed == .sample("b"))
        }

        @Test(arguments: StoreBackend.allCases)
        func `the observed tip keeps the time when it was seen first`(backend: StoreBackend) async throws {
            let subject = try StoreSubject(backend)
            func tip() async throws -> ObservedTip? { try await subject.reopened().record(of: "shop").observedTip }
            #expect(try await tip() == nil)
            try await subject.store.observed(.sample("a"), of: "shop", at: 1, accepted: nil)
            try await subject.store.observed(.sample("a"), of: "shop", at: 2, accepted: nil)
            #expect(try await tip() == ObservedTip(commit: .sample("a"), since: 1))
            try await subject.store.observed(.sample("b"), of: "shop", at: 3, accepted: nil)
            #expect(try await tip() == ObservedTip(commit: .sample("b"), since: 3))
            // The pointers do not disturb each other.
            try await subject.store.advance("shop", to: .sample("c"))
            try await subject.store.noteEngine("tcp://host:2376", of: "shop")
            #expect(try await tip() == ObservedTip(commit: .sample("b"), since: 3))
            #expect(try await subject.store.record(of: "shop").deployed == .sample("c"))
        }

        @Test(arguments: StoreBackend.allCases)
        func `the accepted tip stays until another is accepted`(backend: StoreBackend) async throws {
            let subject = try StoreSubject(backend)
            func record() async throws -> ProjectRecord { try await subject.reopened().record(of: "shop") }
            #expect(try await record().followed == nil)
            let first = FollowedTip(
                revision: "tags v*", commit: Commit.sample("a").id, tag: Tag(name: "v1", object: "ff"))
            try await subject.store.observed(.sample("a"), of: "shop", at: 1, accepted: first)
            #expect(try await record().followed == first)
            try await subject.store.observed(.sample("b"), of: "shop", at: 2, accepted: nil)
            #expect(try await record().followed == first)
            #expect(try await record().observedTip == ObservedTip(commit: .sample("b"), since: 2))
            let second = FollowedTip(revision: "tags v*", commit: Commit.sample("b").id)
            try await subject.store.observed(.sample("b"), of: "shop", at: 3, accepted: second)
            #expect(try await record().followed == second)
            #expect(try await record().observedTip == ObservedTip(commit: .sample("b"), since: 2))
            // Another revision is followed for a while.
            let other = FollowedTip(revision: "branch main", commit: Commit.sample("c").id)
            try await subject.store.observed(.sample("b"), of: "shop", at: 4, accepted: other)
            #expect(try await record().accepted == [other, second])
            #expect(try await record().accepted(of: "tags v*") == second)
            #expect(try await record().accepted(of: "branch next") == other)
            #expect(try await subject.store.record(of: "blog").followed == nil)
        }

        @Test(arguments: StoreBackend.allCases)
        func `verified commits are remembered for as long as the same is trusted`(backend: StoreBackend) async throws {
            let store = try StoreSubject(backend).store
            let (a, b, c) = (Commit.sample("a").id, Commit.sample("b").id, Commit.sample("c").id)
            #expect(try await store.verifiedCommits(of: "shop", by: "x") == [])
            try await store.noteVerified([a, b], of: "shop", by: "x")
            try await store.noteVerified([b, c], of: "shop", by: "x")
            try await store.noteVerified([], of: "shop", by: "y")
            #expect(try await store.verifiedCommits(of: "shop", by: "x") == [a, b, c])
            #expect(try await store.verifiedCommits(of: "blog", by: "x") == [])
            #expect(try await store.verifiedCommits(of: "shop", by: "y") == [])
            try await store.noteVerified([c], of: "shop", by: "y")
            #expect(try await store.verifiedCommits(of: "shop", by: "x") == [])
            #expect(try await store.verifiedCommits(of: "shop", by: "y") == [c])
            let many = (0..<DeploymentStoreLimits.verifiedCommits).map { CommitID(hex: "f\($0)") }
            try await store.noteVerified(many, of: "shop", by: "y")
            let kept = try await store.verifiedCommits(of: "shop", by: "y")
            #expect(kept.count == many.count && !kept.contains(c))
        }

        @Test(arguments: StoreBackend.allCases)
        func `who signed is recorded with the deployment`(backend: StoreBackend) async throws {
            let store = try StoreSubject(backend).store
            var deployment = sample(1, "a")
            deployment.signature = Signer(format: .openpgp, name: "Ann", key: "ABCD", tag: "v1")
            try await store.save(deployment)
            #expect(try await store.deployment(deployment.id)?.signature == deployment.signature)
            #expect(try await store.record(of: "shop").lastGood?.signature == deployment.signature)
            deployment.signature = nil
            try await store.save(deployment)
            #expect(try await store.deployment(deployment.id)?.signature == nil)
        }

        @Test(arguments: StoreBackend.allCases)
        func `images that no good deployment of the newest commits ran are unneeded`(
            backend: StoreBackend
        ) async throws {
            let store = try StoreSubject(backend).store
            func save(_ number: Int, _ digit: Character, _ image: String, project: String = "shop") async throws {
                var deployment = sample(number, digit)
                deployment.id.project = project
                deployment.snapshot?.imageIDs = ["web": image]
                try await store.save(deployment)
            }
            try await store.remember(["1": "web:1", "2": "web:2", "3": "web:3", "4": "web:4"], of: "shop")
            try await store.remember([:], of: "shop")
            try await save(1, "a", "1")
            try await save(2, "b", "2")
            try await save(3, "b", "2")
            try await save(1, "a", "3", project: "blog")
            #expect(try await store.unneededImages(of: "shop", keeping: 1) == ["1": "web:1", "4": "web:4"])
            #expect(try await store.unneededImages(of: "shop", keeping: 2) == ["4": "web:4"])
            try await store.forget("4", of: "shop")
            #expect(try await store.unneededImages(of: "shop", keeping: 2).isEmpty)
            #expect(try await store.unneededImages(of: "blog", keeping: 0).isEmpty)
        }
    }
}
