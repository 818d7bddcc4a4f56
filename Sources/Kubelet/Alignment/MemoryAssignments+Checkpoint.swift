import APIModel
import OrderedCollections

extension MemoryAssignments {
    /// As upstream's `memory_manager_state`, but for its checksum.
    var checkpoint: [UInt8] {
        var entries = Value.emptyObject
        for (pod, containers) in own.sorted(by: { $0.key < $1.key }) {
            var own = Value.emptyObject
            for (container, blocks) in containers.sorted(by: { $0.key < $1.key }) {
                own[container] = .array(
                    blocks.map { ["numaAffinity": Self.list($0.nodes), "type": .string($0.kind), "size": .int($0.size)] })
            }
            entries[pod] = own
        }
        return JSON.encode(["policyName": .string(MemoryPolicy.static.rawValue), "machineState": machineState, "entries": entries])
    }

    private static func list(_ mask: NodeMask) -> Value { .array(mask.nodes.sorted().map { .int(Whole($0)) }) }

    private var machineState: Value {
        var state = Value.emptyObject
        for (number, node) in nodes.sorted(by: { $0.key < $1.key }) {
            var tables = Value.emptyObject
            for (kind, table) in node.tables.sorted(by: { $0.key < $1.key }) {
                tables[kind] = [
                    "total": .int(table.total), "systemReserved": .int(table.reserved), "allocatable": .int(table.allocatable),
                    "reserved": .int(table.taken), "free": .int(table.free),
                ]
            }
            state[String(number)] = [
                "numberOfAssignments": .int(Whole(node.count)), "memoryMap": tables, "cells": Self.list(node.group),
            ]
        }
        return state
    }

    /// Takes over what an earlier kubelet gave away. Throws when that does not go with what there is.
    mutating func restore(_ file: Value) throws(ConfigurationError) {
        for (pod, containers) in file["entries"].fields {
            for (container, list) in containers.fields {
                try restore(list.elements.map(Self.block), container, of: pod)
            }
        }
        guard isMachine(file["machineState"]) else {
            throw ConfigurationError(message: "[memorymanager] the expected machine state is different from the real one")
        }
    }

    private static func block(_ value: Value) -> Block {
        Block(
            nodes: NodeMask(value["numaAffinity"].elements.compactMap { $0.int.map { Int($0) } }), kind: value["type"].string ?? "",
            size: max(value["size"].int ?? 0, 0))
    }

    private mutating func restore(_ blocks: [Block], _ container: String, of pod: String) throws(ConfigurationError) {
        for block in blocks {
            let what =
                block.nodes.intersection(all) != block.nodes
                ? "the NUMA that does not exist"
                : !block.nodes.nodes.allSatisfy { nodes[$0]?.tables[block.kind] != nil } ? "memory resource that does not exist" : nil
            if let what {
                throw ConfigurationError(
                    message: "[memorymanager] (pod: \(pod), container: \(container)) the memory assignment uses \(what)")
            }
        }
        take(blocks, container, of: pod)
    }

    /// Whether the file was written on a machine like this one, with as much set aside.
    private func isMachine(_ state: Value) -> Bool {
        guard state.fields.count == nodes.count else { return false }
        return nodes.allSatisfy { number, node in
            let told = state[String(number)]
            guard told["numberOfAssignments"].int == Whole(node.count) else { return false }
            return told["memoryMap"].fields.count == node.tables.count
                && node.tables.allSatisfy { kind, table in
                    let other = told["memoryMap"][kind]
                    return other["total"].int == table.total && other["systemReserved"].int == table.reserved
                }
        }
    }
}
