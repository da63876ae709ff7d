/**
 * Control groups, version 2: where a pod's processes live, what they may use and what they have
 * used (Documentation/admin-guide/cgroup-v2.rst of the kernel).
 *
 * <pre>
 *   &lt;cgroup_parent&gt;/&lt;instance&gt;-&lt;sandbox id&gt;/supervisor  the pod's supervisor, no limits
 *                                        /&lt;container id&gt;    a container: limits, statistics, kill
 *                                        /&lt;container id&gt;/exec-….mount  an exec'd tree, no controllers
 * </pre>
 *
 * <p>The parent belongs to whoever named it (the kubelet): nothing is limited there, controllers
 * are only passed on to its children. The kernel holds the state; objects here hold descriptors of
 * directories. Calls are short and thread-safe, but {@code remove}, which waits (bounded) for dying
 * processes.
 */
package dev.molo.cgroup;
