internal import Glibc

extension Directory {
    /// Removes what has that name, with all that is below it, and answers whether it is gone. Links are removed and not followed. What is
    /// mounted in the tree stays as it is, with the directories that lead there.
    ///
    /// Takes neither stack nor descriptors for the depth of the tree, which a container chooses: what a directory holds is moved up and
    /// removed there.
    @discardableResult
    package func removeTree(_ name: String) -> Bool {
        if remove(name) { return true }
        if let tree = try? directory(name, [.withoutLinks, .withinMount]) { tree.empty() }
        return removeEmpty(name)
    }

    /// Removes a directory that is empty and that nothing is mounted on, and answers whether it is gone.
    package func removeEmpty(_ name: String) -> Bool { unlinkat(descriptor, name, Int32(AT_REMOVEDIR)) == 0 || errno == ENOENT }

    private func removeSimple(_ name: String) -> Bool { remove(name) || removeEmpty(name) }

    private func empty() {
        var moved = 0
        var isGettingEmptier = true
        while isGettingEmptier {
            isGettingEmptier = false
            try? eachName { name in
                if removeSimple(name) {
                    isGettingEmptier = true
                    return
                }
                guard let child = try? directory(name, [.withoutLinks, .withinMount]) else { return }
                try? child.eachName { inner in
                    if child.removeSimple(inner) {
                        isGettingEmptier = true
                        return
                    }
                    moved += 1
                    if renameat(child.descriptor, inner, descriptor, "..removed-\(moved)") == 0 { isGettingEmptier = true }
                }
                if removeEmpty(name) { isGettingEmptier = true }
            }
        }
    }
}
