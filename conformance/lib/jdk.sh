# The JDK that builds molo. Needs paths.sh.
jdk_release=25

# jdk_find: exports JAVA_HOME when a JDK 25 or newer is on the machine.
jdk_find() {
  local candidate javac
  javac=$(readlink -f "$(command -v javac || true)")
  for candidate in "${JAVA_HOME:-}" "${javac%/bin/javac}" /usr/lib/jvm/*"$jdk_release"* /opt/*jdk*"$jdk_release"* "$HOME"/.sdkman/candidates/java/"$jdk_release"*; do
    if jdk_fits "$candidate"; then
      export JAVA_HOME=$candidate
      return 0
    fi
  done
  return 1
}

jdk_fits() {
  local version
  [ -n "$1" ] && [ -x "$1/bin/javac" ] && [ -x "$1/bin/jlink" ] || return 1
  version=$(sed -n 's/^JAVA_VERSION="\([0-9]*\).*/\1/p' "$1/release" 2>/dev/null)
  [ "${version:-0}" -ge "$jdk_release" ]
}

jdk_install() { DEBIAN_FRONTEND=noninteractive apt-get install -qq -y -o Acquire::Retries=3 -o DPkg::Lock::Timeout=300 --no-install-recommends "$1"; }

# jdk_need: jdk_find, or installs Debian's, or says how to get one.
jdk_need() {
  local package=openjdk-$jdk_release-jdk-headless
  jdk_find && return 0
  if [ -n "$(apt-cache policy "$package" 2>/dev/null | sed -n 's/^ *Candidate: *\([0-9].*\)/\1/p')" ]; then
    say "no JDK $jdk_release found: installing $package"
    fetched jdk_install "$package" >&2 && jdk_find && return 0
  fi
  say "no JDK $jdk_release found in JAVA_HOME, on PATH or in /usr/lib/jvm, and this Debian has no package $package. Get one from https://adoptium.net (or https://jdk.java.net/$jdk_release), unpack it below /usr/lib/jvm or anywhere, and set JAVA_HOME to it."
  return 1
}
