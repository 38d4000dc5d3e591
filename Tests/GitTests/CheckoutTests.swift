import Deploy
import FoundationEssentials
import Glibc
import Reconcile
import Testing

@testable import Git

@Suite struct CheckoutTests {
    let sandbox: Sandbox
    let origin: Origin
    let repository: GitRepository

    init() throws {
        sandbox = try Sandbox()
        origin = try Origin(sandbox)
        repository = try origin.repository()
    }

    private var tree: String { repository.checkoutPath }
    private var project: String { "\(sandbox.path)/state/projects/shop" }

    /// Fetches the tip and puts it in place; returns what changed.
    @discardableResult
    private func checkOut(_ commit: CommitID? = nil) async throws -> [String] {
        let tip = try await repository.fetchTip()
        let difference = try await repository.compareCheckout(with: commit ?? tip.id)
        try await repository.stageCheckout(of: commit ?? tip.id).switchOver()
        return difference.changedPaths
    }

    private func isMounted(_ path: String) -> UInt64 { inode("\(tree)/\(path)") }

    @Test func `a commit is checked out with its modes and links`() async throws {
        try sandbox.run("ln", "-s", "conf/a", "\(origin.tree)/link")
        try sandbox.write("#!/bin/sh\n", to: "\(origin.tree)/run", mode: 0o755)
        try origin.commit(["conf/a": "1", "deep/er/b": "2", "empty": "", "näme with space": "3"])
        let changed = try await checkOut()
        #expect(changed == ["conf/a", "deep/er/b", "empty", "link", "näme with space", "run"])
        #expect(
            try contents(of: tree) == [
                "conf/a": "1", "deep/er/b": "2", "empty": "", "link": "-> conf/a", "näme with space": "3",
                "run": "#!/bin/sh\n",
            ])
        #expect(mode("\(tree)/run") == 0o755)
        #expect(mode("\(tree)/conf/a") == 0o644)
        #expect(mode("\(tree)/deep/er") == 0o755)
        #expect(mode(tree) == 0o755)
        #expect(mode(project) == 0o700)
        #expect(access("\(project)/stage", F_OK) != 0)
    }

    @Test func `staging touches nothing in the tree, and discarding leaves nothing`() async throws {
        try origin.commit(["a": "1"])
        try await checkOut()
        let before = try contents(of: project)
        let second = try origin.commit(["a": "2", "b": "1"])
        _ = try await repository.fetchTip()
        let staged = try await repository.stageCheckout(of: second)
        #expect(try contents(of: tree) == ["a": "1"])
        #expect(mode("\(project)/stage") == 0o700)
        await staged.discard()
        #expect(try contents(of: project) == before)
        #expect(try await checkOut() == ["a", "b"])
    }

    @Test func `only files that changed are touched, and directories keep their inode`() async throws {
        try origin.commit(["conf/a": "1", "conf/b": "1", "only/x": "1", "same": "1"])
        try await checkOut()
        let before = ["", "conf", "only", "conf/a", "same", "conf/b"].map(isMounted)
        try origin.commit(["conf/b": "2", "only/x": nil, "only/y": "1"])
        #expect(try await checkOut() == ["conf/b", "only/x", "only/y"])
        let after = ["", "conf", "only", "conf/a", "same", "conf/b"].map(isMounted)
        #expect(after.prefix(5) == before.prefix(5))
        #expect(after.last != before.last)
        #expect(try await checkOut() == [])
    }

    @Test func `going back to an earlier commit restores it exactly`() async throws {
        let first = try origin.commit(["a": "1", "dir/b": "1"])
        try await checkOut()
        let before = try contents(of: tree)
        try origin.commit(["a": "2", "dir/b": nil, "new/c": "1"])
        try await checkOut()
        #expect(try contents(of: tree) == ["a": "2", "new/c": "1"])
        #expect(try await checkOut(first) == ["a", "dir/b", "new/c"])
        #expect(try contents(of: tree) == before)
    }

    @Test func `untracked files stay, also in directories that the commit leaves`() async throws {
        try origin.commit(["data/seed": "1", "gone/x": "1", "a": "1"])
        try await checkOut()
        try sandbox.write("precious", to: "\(tree)/data/db")
        try sandbox.write("mine", to: "\(tree)/.env")
        try origin.commit(["data/seed": nil, "gone/x": nil, "a": "2"])
        try await checkOut()
        #expect(try contents(of: tree) == ["a": "2", "data/db": "precious", ".env": "mine"])
    }

    @Test func `a file we did not write is never replaced; one that is the same is taken over`() async throws {
        try origin.commit(["a": "1"])
        try await checkOut()
        try sandbox.write("theirs", to: "\(tree)/b")
        let second = try origin.commit(["a": "2", "b": "ours"])
        let error = try await gitError { try await checkOut() }
        #expect(error.message.contains("\(tree)/b is in the way"))
        #expect(try contents(of: tree) == ["a": "1", "b": "theirs"])
        #expect(access("\(project)/stage", F_OK) != 0)
        try sandbox.write("ours", to: "\(tree)/b")
        let before = isMounted("b")
        #expect(try await checkOut(second) == ["a"])
        #expect(isMounted("b") == before)
        try origin.commit(["b": nil])
        #expect(try await checkOut() == ["b"])
        #expect(try contents(of: tree) == ["a": "2"])
    }

    @Test func `a file that appears between staging and switching is not replaced`() async throws {
        let tip = try origin.commit(["a": "1"])
        _ = try await repository.fetchTip()
        let staged = try await repository.stageCheckout(of: tip)
        try sandbox.write("theirs", to: "\(tree)/a")
        let error = try await gitError { try await staged.switchOver() }
        #expect(error.message.contains("in the way"))
        #expect(try contents(of: tree) == ["a": "theirs"])
    }

    @Test func `what was altered by hand is put right`() async throws {
        try sandbox.write("#!/bin/sh\n", to: "\(origin.tree)/run", mode: 0o755)
        try origin.commit(["edited": "1", "same size": "abc", "removed": "1", "touched": "1", "dir/x": "1"])
        try await checkOut()
        try sandbox.write("2 by hand", to: "\(tree)/edited")
        try sandbox.write("abd", to: "\(tree)/same size")
        try sandbox.run("rm", "-r", "\(tree)/removed", "\(tree)/dir")
        try sandbox.run("touch", "\(tree)/touched")
        chmod("\(tree)/run", 0o644)
        #expect(try await checkOut() == ["dir/x", "edited", "removed", "run", "same size"])
        #expect(
            try contents(of: tree) == [
                "edited": "1", "same size": "abc", "removed": "1", "touched": "1", "dir/x": "1", "run": "#!/bin/sh\n",
            ])
        #expect(mode("\(tree)/run") == 0o755)
        #expect(try await checkOut() == [])
    }

    @Test func `files, links and directories take each other's place`() async throws {
        try sandbox.run("ln", "-s", "a", "\(origin.tree)/link")
        try origin.commit(["a": "1", "file": "1", "dir/x/y": "1", "dir/z": "1"])
        try await checkOut()
        try sandbox.run("rm", "-r", "\(origin.tree)/link", "\(origin.tree)/dir", "\(origin.tree)/file")
        try origin.commit(["link/now/a": "dir", "file/in": "dir", "dir": "file"])
        #expect(try await checkOut() == ["dir", "dir/x/y", "dir/z", "file", "file/in", "link", "link/now/a"])
        #expect(try contents(of: tree) == ["a": "1", "link/now/a": "dir", "file/in": "dir", "dir": "file"])
        try sandbox.run("rm", "-r", "\(origin.tree)/link")
        try sandbox.run("ln", "-s", "/etc", "\(origin.tree)/link")
        try origin.commit()
        try await checkOut()
        #expect(try contents(of: tree)["link"] == "-> /etc")
    }

    @Test func `an untracked file in a directory that has to become a file stops everything`() async throws {
        try origin.commit(["dir/x": "1", "a": "1"])
        try await checkOut()
        try sandbox.write("mine", to: "\(tree)/dir/mine")
        try sandbox.run("rm", "-r", "\(origin.tree)/dir")
        try origin.commit(["dir": "file", "a": "2"])
        let error = try await gitError { try await checkOut() }
        #expect(error.message.contains("\(tree)/dir/mine is in the way for dir"))
        #expect(try contents(of: tree) == ["dir/x": "1", "a": "1", "dir/mine": "mine"])
    }

    @Test func `an empty directory that an engine made for a missing file gives way to the file`() async throws {
        try origin.commit(["a": "1"])
        try await checkOut()
        try FileManager.default.createDirectory(atPath: "\(tree)/site.conf", withIntermediateDirectories: false)
        try origin.commit(["site.conf": "server"])
        try await checkOut()
        #expect(try contents(of: tree) == ["a": "1", "site.conf": "server"])
    }

    @Test func `nothing is written through a link that somebody put in the checkout`() async throws {
        try origin.commit(["dir/a": "1", "b": "1"])
        try await checkOut()
        let outside = "\(sandbox.path)/outside"
        try sandbox.write("theirs", to: "\(outside)/a")
        try FileManager.default.removeItem(atPath: "\(tree)/dir")
        try sandbox.run("ln", "-s", outside, "\(tree)/dir")
        try origin.commit(["dir/a": "2", "dir/new": "1"])
        let error = try await gitError { try await checkOut() }
        #expect(error.message.contains("\(tree)/dir is in the way"))
        #expect(try contents(of: outside) == ["a": "theirs"])
        try sandbox.run("rm", "-r", "\(origin.tree)/dir")
        try origin.commit(["b": "2"])
        try await checkOut()
        #expect(try contents(of: outside) == ["a": "theirs"])
        #expect(try contents(of: tree) == ["b": "2", "dir": "-> \(outside)"])
    }

    @Test func `a link in the commit does not lead later files out of the checkout`() async throws {
        let outside = "\(sandbox.path)/outside"
        try FileManager.default.createDirectory(atPath: outside, withIntermediateDirectories: false)
        try sandbox.run("ln", "-s", outside, "\(origin.tree)/dir")
        try origin.commit(["a": "1"])
        try await checkOut()
        try sandbox.run("rm", "\(origin.tree)/dir")
        try origin.commit(["dir/x": "1"])
        try await checkOut()
        #expect(try contents(of: outside).isEmpty)
        #expect(try contents(of: tree) == ["a": "1", "dir/x": "1"])
    }

    @Test func `what somebody changed on disk is told apart from what the commit changes`() async throws {
        try origin.commit(["a": "1", "b": "1", "c": "1", "d": "1"])
        try await checkOut()
        try sandbox.write("by hand", to: "\(tree)/a")
        try sandbox.write("by hand", to: "\(tree)/b")
        try FileManager.default.removeItem(atPath: "\(tree)/c")
        let tip = try origin.commit(["b": "2", "d": "2"])
        _ = try await repository.fetchTip()
        let difference = try await repository.compareCheckout(with: tip)
        #expect(difference.changedPaths == ["a", "b", "c", "d"])
        #expect(difference.restoredPaths == ["a", "b", "c"])
        try await repository.stageCheckout(of: tip).switchOver()
        #expect(try contents(of: tree) == ["a": "1", "b": "2", "c": "1", "d": "2"])
        #expect(try await repository.compareCheckout(with: tip) == CheckoutDifference())
    }

    @Test func `what was changed, removed or made executable by hand is seen in the commit that is checked out`()
        async throws
    {
        try origin.commit(["a": "1", "b": "1", "c": "1", "kept": "1"])
        try await checkOut()
        let tip = try await repository.fetchTip()
        try sandbox.write("2", to: "\(tree)/a")
        try FileManager.default.removeItem(atPath: "\(tree)/b")
        chmod("\(tree)/c", 0o755)
        let difference = try await repository.compareCheckout(with: tip.id)
        #expect(difference == CheckoutDifference(changedPaths: ["a", "b", "c"], restoredPaths: ["a", "b", "c"]))
    }

    @Test func `comparing writes nothing, also when there is no checkout yet`() async throws {
        try origin.commit(["a": "1"])
        let tip = try await repository.fetchTip()
        let all = CheckoutDifference(changedPaths: ["a"])
        #expect(try await repository.compareCheckout(with: tip.id) == all)
        #expect(access(project, F_OK) != 0)
        try await checkOut()
        try sandbox.write("by hand", to: "\(tree)/a")
        try sandbox.write("left", to: "\(project)/stage/0")
        let before = try contents(of: project)
        #expect(try await repository.compareCheckout(with: tip.id).restoredPaths == ["a"])
        #expect(try contents(of: project) == before)
    }

    @Test func `comparing finds an untracked file that is in the way`() async throws {
        try origin.commit(["a": "1"])
        try await checkOut()
        try sandbox.write("mine", to: "\(tree)/b")
        let tip = try origin.commit(["b": "1"])
        _ = try await repository.fetchTip()
        let staging = try await gitError { try await repository.stageCheckout(of: tip) }
        let comparing = try await gitError { try await repository.compareCheckout(with: tip) }
        #expect(comparing == staging)
        #expect(comparing.reason == .stateUnusable)
    }

    @Test func `after a switch that was cut short, only what it had not to change counts as changed by hand`()
        async throws
    {
        let first = try origin.commit(["a": "1", "gone": "1", "same": "1"])
        try await checkOut()
        try origin.commit(["a": "2", "gone": nil])
        let tip = try await repository.fetchTip()
        let staged = try #require(try await repository.stageCheckout(of: tip.id) as? GitStagedCheckout)
        try staged.announced().save("\(project)/checkout.json")
        try FileManager.default.removeItem(atPath: "\(tree)/gone")
        try sandbox.write("by hand", to: "\(tree)/same")
        #expect(
            try await repository.compareCheckout(with: tip.id)
                == CheckoutDifference(changedPaths: ["a", "same"], restoredPaths: ["same"]))
        #expect(
            try await repository.compareCheckout(with: first)
                == CheckoutDifference(changedPaths: ["gone", "same"], restoredPaths: ["same"]))
    }

    @Test func `a crash while files are put in place is put right by the next run`() async throws {
        try origin.commit(["a": "1", "b": "1", "gone/c": "1"])
        try await checkOut()
        try origin.commit(["a": "2", "b": "2", "gone/c": nil, "new/d": "1"])
        let tip = try await repository.fetchTip()
        let staged = try #require(try await repository.stageCheckout(of: tip.id) as? GitStagedCheckout)
        // As if the process had died after the record was written and one file was in place.
        try staged.announced().save("\(project)/checkout.json")
        let number = try #require(staged.prepared.first { $0.path.text == "new/d" })
        try FileManager.default.createDirectory(atPath: "\(tree)/new", withIntermediateDirectories: false)
        #expect(rename("\(project)/stage/\(number.name)", "\(tree)/new/d") == 0)
        #expect(try await checkOut() == ["a", "b", "gone/c"])
        #expect(try contents(of: tree) == ["a": "2", "b": "2", "new/d": "1"])
        let manifest = try CheckoutManifest.load("\(project)/checkout.json")
        #expect(!manifest.isSwitching)
        #expect(manifest.commit == tip.id.hex)
    }

    @Test func `a crash can be undone too`() async throws {
        let first = try origin.commit(["a": "1", "gone/c": "1"])
        try await checkOut()
        try origin.commit(["a": "2", "gone/c": nil, "new/d": "1"])
        let tip = try await repository.fetchTip()
        let staged = try #require(try await repository.stageCheckout(of: tip.id) as? GitStagedCheckout)
        try staged.announced().save("\(project)/checkout.json")
        try FileManager.default.removeItem(atPath: "\(tree)/gone")
        try sandbox.write("1", to: "\(tree)/new/d")
        #expect(try await checkOut(first) == ["gone/c", "new/d"])
        #expect(try contents(of: tree) == ["a": "1", "gone/c": "1"])
    }

    @Test(arguments: [nil, "", "garbage", "{\"version\": 9, \"files\": []}"])
    func `without its record the checkout is recognised by content`(record: String?) async throws {
        try origin.commit(["a": "1", "dir/b": "1"])
        try await checkOut()
        if let record {
            try sandbox.write(record, to: "\(project)/checkout.json")
        } else {
            try FileManager.default.removeItem(atPath: "\(project)/checkout.json")
        }
        #expect(try await checkOut() == [])
        try origin.commit(["a": "2"])
        #expect(try await checkOut() == ["a"])
    }

    @Test func `a file is not replaced while another spelling of its name is meant`() async throws {
        try sandbox.run("sh", "-c", #"printf composed > "$(printf 'caf\303\251')""#, in: origin.tree)
        try sandbox.run("sh", "-c", #"printf decomposed > "$(printf 'cafe\314\201')""#, in: origin.tree)
        try origin.commit()
        #expect(try await checkOut().count == 2)
        #expect(try await checkOut() == [])
        #expect(try sandbox.run("sh", "-c", "cat caf*", in: tree) == "decomposedcomposed")
    }

    @Test func `a submodule is left out of the checkout`() async throws {
        let tip = try origin.commit(["a": "1"])
        try origin.git("update-index", "--add", "--cacheinfo", "160000,\(tip.hex),vendor/lib")
        try origin.git("commit", "-q", "-m", "Add a submodule")
        try origin.git("push", "-q", "origin", "HEAD:main")
        #expect(try await checkOut() == ["a"])
    }

    @Test func `several hundred files are switched and compared again`() async throws {
        let files = Dictionary(
            uniqueKeysWithValues: (0..<600).map { ("d\($0 % 20)/e\($0 % 7)/f\($0)", Optional("\($0)")) })
        try origin.commit(files)
        #expect(try await checkOut().count == 600)
        #expect(try await checkOut() == [])
    }
}
